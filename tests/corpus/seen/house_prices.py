import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import Dataset, DataLoader

np.random.seed(0)
torch.manual_seed(0)


class Houses(Dataset):
    """Synthetic house prices: age, rooms, income of the block, distance to the coast."""

    def __init__(self, frame, price):
        self.frame = torch.tensor(frame, dtype=torch.float32)
        self.price = torch.tensor(price, dtype=torch.float32)

    def __len__(self):
        return len(self.price)

    def __getitem__(self, i):
        return self.frame[i], self.price[i]


def generate(n):
    age = np.random.uniform(1, 50, n)
    rooms = np.random.normal(5, 1, n)
    income = np.random.gamma(4, 1, n)
    coast = np.random.exponential(20, n)
    price = 30 * income + 12 * rooms - 0.4 * age + 60 * np.exp(-coast / 15) + np.random.normal(0, 8, n)
    return np.stack([age, rooms, income, coast], 1), price


X, y = generate(2500)
X_train, X_val = X[:2000], X[2000:]
y_train, y_val = y[:2000], y[2000:]
mean, std = X_train.mean(0), X_train.std(0)
y_mean, y_std = y_train.mean(), y_train.std()
train_dl = DataLoader(Houses((X_train - mean) / std, (y_train - y_mean) / y_std), batch_size=64, shuffle=True)
val_dl = DataLoader(Houses((X_val - mean) / std, (y_val - y_mean) / y_std), batch_size=250)

model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1))
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
mse = nn.MSELoss()

for epoch in range(10):
    model.train()
    train_loss = 0
    for xb, yb in train_dl:
        opt.zero_grad()
        pred = model(xb)
        loss = mse(pred, yb)
        loss.backward()
        opt.step()
        train_loss += loss.item()

    model.eval()
    val_loss = 0
    for xb, yb in val_dl:
        pred = model(xb)
        val_loss += mse(pred, yb).item()
    print(f"Epoch {epoch}: train MSE {train_loss / len(train_dl):.4f}, val MSE {val_loss / len(val_dl):.4f}")
