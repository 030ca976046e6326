"""One shard of a data-parallel job; rank and world size come from the launcher (defaults: shard 0 of 2)."""
import os

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler

RANK = int(os.environ.get("SHARD", 0))
WORLD = int(os.environ.get("SHARDS", 2))


def datasets():
    b = load_digits()
    x = torch.tensor(b.data, dtype=torch.float32).div_(16)
    y = torch.tensor(b.target)
    g = torch.Generator().manual_seed(0)
    perm = torch.randperm(len(y), generator=g)
    cut = 1500
    return TensorDataset(x[perm[:cut]], y[perm[:cut]]), TensorDataset(x[perm[cut:]], y[perm[cut:]])


def main():
    torch.manual_seed(0)
    train_ds, test_ds = datasets()
    sampler = DistributedSampler(train_ds, num_replicas=WORLD, rank=RANK, shuffle=True, seed=0)
    loader = DataLoader(train_ds, batch_size=25, sampler=sampler)
    test_loader = DataLoader(test_ds, batch_size=300)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 10))
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(10):
        model.train()
        loss_sum = 0.0
        for x, y in loader:
            opt.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            opt.step()
            loss_sum += loss.item()
        model.eval()
        with torch.no_grad():
            acc = sum((model(x).argmax(1) == y).sum().item() for x, y in test_loader) / len(test_ds)
        if RANK == 0:
            print(f"epoch {epoch} loss {loss_sum / len(loader):.3f} acc {acc:.3f}")


if __name__ == "__main__":
    main()
