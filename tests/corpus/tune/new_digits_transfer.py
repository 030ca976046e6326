"""Pretrain on the digits 0-4, then fit a new head for 5-9 on the frozen features."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def task(classes, seed):
    d = load_digits()
    keep = [i for i, t in enumerate(d.target) if t in classes]
    x = torch.tensor(d.images[keep] / 16, dtype=torch.float32).unsqueeze(1)
    y = torch.tensor([classes.index(t) for t in d.target[keep]])
    xa, xb, ya, yb = train_test_split(x, y, test_size=0.3, stratify=y, random_state=seed)
    return DataLoader(TensorDataset(xa, ya), 32, shuffle=True), DataLoader(TensorDataset(xb, yb), 300)


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())

    def forward(self, x):
        return self.net(x)


def evaluate(backbone, head, loader):
    backbone.eval()
    head.eval()
    with torch.no_grad():
        res = [(head(backbone(x)), y) for x, y in loader]
    out, y = torch.cat([r[0] for r in res]), torch.cat([r[1] for r in res])
    return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def fit(backbone, head, train, val, optimizer, epochs, frozen, tag):
    for epoch in range(epochs):
        backbone.train(not frozen)
        head.train()
        total = 0.0
        for x, y in train:
            loss = F.cross_entropy(head(backbone(x)), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        vl, acc = evaluate(backbone, head, val)
        print(f"{tag} {epoch}: train {total / len(train):.4f} val {vl:.4f} acc {acc:.3f}")


def main():
    torch.manual_seed(2)
    backbone, head = Backbone(), nn.Linear(128, 5)
    train, val = task([0, 1, 2, 3, 4], 0)
    params = list(backbone.parameters()) + list(head.parameters())
    fit(backbone, head, train, val, torch.optim.Adam(params, lr=1e-3), 5, False, "pretrain")

    for p in backbone.parameters():
        p.requires_grad_(False)
    head = nn.Linear(128, 5)
    train, val = task([5, 6, 7, 8, 9], 1)
    fit(backbone, head, train, val, torch.optim.Adam(head.parameters(), lr=5e-3), 8, True, "transfer")


if __name__ == "__main__":
    main()
