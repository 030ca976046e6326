"""Gas sensor classifier, ready for several processes (RANK / WORLD_SIZE from the launcher)."""
import os

import torch
from sklearn.datasets import make_blobs
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler

RANK = int(os.environ.get("RANK", 0))
WORLD = int(os.environ.get("WORLD_SIZE", 1))


def get_data():
    X, y = make_blobs(3000, n_features=10, centers=6, cluster_std=4.5, random_state=3)
    X = (X - X[:2400].mean(0)) / X[:2400].std(0)
    X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y)
    return TensorDataset(X[:2400], y[:2400]), TensorDataset(X[2400:], y[2400:])


def accuracy_and_loss(model, loader, criterion):
    model.eval()
    with torch.no_grad():
        parts = [(model(x), y) for x, y in loader]
    out, y = torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts])
    return (out.argmax(1) == y).float().mean().item(), criterion(out, y).item()


def main():
    torch.manual_seed(3)
    train_set, val_set = get_data()
    sampler = DistributedSampler(train_set, num_replicas=WORLD, rank=RANK, shuffle=True, seed=3)
    train_loader = DataLoader(train_set, batch_size=64, sampler=sampler)
    val_loader = DataLoader(val_set, batch_size=300)
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 6))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(10):
        model.train()
        total = 0.0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        acc, val_loss = accuracy_and_loss(model, val_loader, criterion)
        if RANK == 0:
            print(f"epoch {epoch} train {total / len(train_loader):.4f} val {val_loss:.4f} acc {acc:.3f}")


if __name__ == "__main__":
    main()
