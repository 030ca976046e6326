import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

device = "cuda" if torch.cuda.is_available() else "cpu"
epochs, batch_size, lr, max_norm = 12, 64, 2e-3, 1.0
torch.manual_seed(7)


def load():
    X, y = load_digits(return_X_y=True)
    X = (X - 8.0) / 8.0
    a, b, c, d = train_test_split(X, y, test_size=0.2, random_state=7, stratify=y)
    to = lambda f, t: TensorDataset(torch.tensor(f, dtype=torch.float32), torch.tensor(t))
    return to(a, c), to(b, d)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 128)
        self.fc2 = nn.Linear(128, 64)
        self.fc3 = nn.Linear(64, 10)
        self.drop = nn.Dropout(0.1)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = self.drop(F.relu(self.fc2(x)))
        return self.fc3(x)


train_set, test_set = load()
train_loader = DataLoader(train_set, batch_size, shuffle=True, drop_last=True)
test_loader = DataLoader(test_set, 360)
model = Net().to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=lr)
scaler = torch.amp.GradScaler(device, init_scale=2.0 ** 12)

for epoch in range(epochs):
    model.train()
    running = 0.0
    for xb, yb in train_loader:
        xb, yb = xb.to(device), yb.to(device)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device_type=device, dtype=torch.float16):
            loss = F.cross_entropy(model(xb), yb)
        scaler.scale(loss).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        scaler.step(optimizer)
        scaler.update()
        running += loss.item()

    model.eval()
    hits = 0
    with torch.no_grad(), torch.autocast(device_type=device, dtype=torch.float16):
        for xb, yb in test_loader:
            hits += (model(xb.to(device)).argmax(1) == yb.to(device)).sum().item()
    print(f"epoch {epoch}: train loss {running / len(train_loader):.4f}, test acc {hits / len(test_set):.4f}")
