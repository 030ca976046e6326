import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser(description="digits, label smoothing")
parser.add_argument("--smoothing", type=float, default=0.1)
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--lr", type=float, default=2e-3)
args = parser.parse_args()

torch.manual_seed(8)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32).div(16)
y = torch.tensor(digits.target)
perm = torch.randperm(len(y))
train_idx, test_idx = perm[: int(0.8 * len(y))], perm[int(0.8 * len(y)) :]
loader = DataLoader(TensorDataset(x[train_idx], y[train_idx]), batch_size=64, shuffle=True)

model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
criterion = nn.CrossEntropyLoss(label_smoothing=args.smoothing)

for epoch in range(1, args.epochs + 1):
    model.train()
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        out = model(x[test_idx])
        acc = (out.argmax(1) == y[test_idx]).float().mean()
        test_loss = criterion(out, y[test_idx])
    print(f"epoch {epoch}: smoothed test loss {test_loss:.4f}, accuracy {acc:.4f}")
