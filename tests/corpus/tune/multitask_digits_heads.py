"""One trunk, three questions about a digit: which, odd or even, more than four."""
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

TASKS = {"digit": 10, "parity": 2, "large": 2}


class MultiTaskNet(nn.Module):
    def __init__(self, tasks, width=64):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Dropout(0.1), nn.Linear(width, width), nn.ReLU())
        self.heads = {name: nn.Linear(width, k) for name, k in tasks.items()}

    def forward(self, x):
        z = self.trunk(x)
        return {name: head(z) for name, head in self.heads.items()}


def targets_of(y):
    return {"digit": y, "parity": y % 2, "large": (y > 4).long()}


def total_loss(outputs, y):
    targets = targets_of(y)
    return sum(F.cross_entropy(outputs[name], targets[name]) for name in outputs)


def evaluate(model, loader):
    model.eval()
    hits = {name: 0 for name in TASKS}
    loss = n = 0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            loss += total_loss(out, y).item() * len(y)
            for name, t in targets_of(y).items():
                hits[name] += (out[name].argmax(1) == t).sum().item()
            n += len(y)
    return loss / n, {name: round(h / n, 3) for name, h in hits.items()}


def main():
    torch.manual_seed(5)
    d = load_digits()
    x = torch.tensor(d.data, dtype=torch.float32) / 8 - 0.6
    y = torch.tensor(d.target)
    tr, va = train_test_split(range(len(y)), test_size=0.25, stratify=d.target, random_state=5)
    train_loader = DataLoader(TensorDataset(x[tr], y[tr]), batch_size=32, shuffle=True)
    valid_loader = DataLoader(TensorDataset(x[va], y[va]), batch_size=150)
    model = MultiTaskNet(TASKS)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for epoch in range(10):
        model.train()
        running = 0.0
        for xb, yb in train_loader:
            optimizer.zero_grad()
            loss = total_loss(model(xb), yb)
            loss.backward()
            optimizer.step()
            running += loss.item() * len(yb)
        val, acc = evaluate(model, valid_loader)
        print(f"epoch {epoch}: train {running / len(tr):.3f} valid {val:.3f} {acc}")


if __name__ == "__main__":
    main()
