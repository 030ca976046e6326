"""Pre-train on the digits 0-4, freeze the feature extractor, learn 5-9 with a new linear head."""
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset


class Backbone(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU(), nn.Flatten(),
        )


def subset(images, labels, low, high):
    keep = (labels >= low) & (labels <= high)
    return TensorDataset(images[keep], labels[keep] - low)


def accuracy(backbone, head, loader):
    backbone.eval()
    head.eval()
    hit = n = 0
    with torch.no_grad():
        for x, y in loader:
            hit += (head(backbone(x)).argmax(1) == y).sum().item()
            n += len(y)
    return hit / n


def main():
    torch.manual_seed(3)
    raw = load_digits()
    images = torch.tensor(raw.images, dtype=torch.float32).unsqueeze(1) / 16
    labels = torch.tensor(raw.target)
    p = torch.randperm(len(labels))
    tr, te = p[:1350], p[1350:]
    loss_fn = nn.CrossEntropyLoss()
    backbone = Backbone()

    old_head = nn.Linear(24 * 16, 5)
    source = DataLoader(subset(images[tr], labels[tr], 0, 4), batch_size=40, shuffle=True, drop_last=True)
    source_test = DataLoader(subset(images[te], labels[te], 0, 4), batch_size=100)
    optimizer = torch.optim.Adam([*backbone.parameters(), *old_head.parameters()], lr=1e-3)
    for epoch in range(3):
        backbone.train()
        old_head.train()
        for x, y in source:
            optimizer.zero_grad()
            loss = loss_fn(old_head(backbone(x)), y)
            loss.backward()
            optimizer.step()
        print(f"[0-4] epoch {epoch + 1} loss {loss.item():.3f} test {accuracy(backbone, old_head, source_test):.3f}")

    for p in backbone.parameters():
        p.requires_grad_(False)
    backbone.eval()
    head = nn.Linear(24 * 16, 5)
    target = DataLoader(subset(images[tr], labels[tr], 5, 9), batch_size=40, shuffle=True)
    target_test = DataLoader(subset(images[te], labels[te], 5, 9), batch_size=100)
    optimizer = torch.optim.Adam(head.parameters(), lr=3e-3)
    for epoch in range(6):
        head.train()
        for x, y in target:
            with torch.no_grad():
                features = backbone(x)
            optimizer.zero_grad()
            loss = loss_fn(head(features), y)
            loss.backward()
            optimizer.step()
        print(f"[5-9] epoch {epoch + 1} loss {loss.item():.3f} test {accuracy(backbone, head, target_test):.3f}")


if __name__ == "__main__":
    main()
