"""Checkerboard classification; small device, so gradients are gathered over several batches."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

ACCUM = 4


def checkerboard(n, seed):
    g = torch.Generator().manual_seed(seed)
    xy = torch.rand(n, 2, generator=g) * 4 - 2
    label = ((xy[:, 0].floor() + xy[:, 1].floor()) % 2).long()
    return TensorDataset(xy / 1.2, label)


def train_one_epoch(model, loader, lr):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    criterion = nn.CrossEntropyLoss()
    model.train()
    total = 0.0
    optimizer.zero_grad()
    for i, (xy, label) in enumerate(loader):
        loss = criterion(model(xy), label)
        loss.backward()
        if (i + 1) % ACCUM == 0:
            optimizer.step()
            optimizer.zero_grad()
        total += loss.item()
    return total / len(loader)


def accuracy(model, loader):
    model.eval()
    ok = n = 0
    with torch.no_grad():
        for xy, label in loader:
            ok += (model(xy).argmax(1) == label).sum().item()
            n += len(label)
    return ok / n


def main():
    torch.manual_seed(10)
    train_loader = DataLoader(checkerboard(2560, 0), batch_size=16, shuffle=True)
    test_loader = DataLoader(checkerboard(800, 1), batch_size=400)
    model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    for epoch in range(12):
        loss = train_one_epoch(model, train_loader, lr=5e-3)
        print(f"epoch {epoch}: loss {loss:.3f} test acc {accuracy(model, test_loader):.3f}")


if __name__ == "__main__":
    main()
