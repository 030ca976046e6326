"""Card fraud detection on generated transactions."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(5)
torch.manual_seed(5)


def transactions(n, fraud_rate=0.015):
    fraud = rng.random(n) < fraud_rate
    amount = rng.lognormal(3 + 0.5 * fraud, 1)
    hour = rng.normal(14 - 3 * fraud, 4, n)
    distance = rng.exponential(5 + 10 * fraud)
    velocity = rng.poisson(2 + 1.5 * fraud)
    online = rng.random(n) < (0.3 + 0.3 * fraud)
    x = np.stack([np.log1p(amount), hour, np.log1p(distance), np.sqrt(velocity), online], axis=1)
    return x.astype(np.float32), fraud.astype(np.float32)


x_train, y_train = transactions(6000)
x_test, y_test = transactions(2000)
mean, std = x_train.mean(0), x_train.std(0)
x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
train_loader = DataLoader(
    TensorDataset(torch.from_numpy(x_train), torch.from_numpy(y_train)), batch_size=100, shuffle=True
)
test_x, test_y = torch.from_numpy(x_test), torch.from_numpy(y_test)


class FraudNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(5, 24), nn.ReLU(), nn.Linear(24, 12), nn.ReLU(), nn.Linear(12, 1))

    def forward(self, x):
        return self.net(x).squeeze(1)


model = FraudNet()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.BCEWithLogitsLoss()

for epoch in range(8):
    model.train()
    total = 0.0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        accuracy = ((model(test_x) > 0).float() == test_y).float().mean().item()
    print(f"epoch {epoch + 1}  loss {total / len(train_loader):.4f}  accuracy {100 * accuracy:.2f}%")
