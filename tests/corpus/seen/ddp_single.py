"""DistributedDataParallel skeleton; falls back to one process when it is not started by torchrun."""
import os

import torch
import torch.distributed as dist
import torch.nn as nn
from torch.nn.parallel import DistributedDataParallel as DDP
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset


def setup():
    if "RANK" in os.environ:
        dist.init_process_group("gloo")
    else:
        dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)


def toy(n, seed):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 10, generator=g)
    w = torch.linspace(-1, 1, 10)
    y = ((x @ w) + x[:, 0] * x[:, 9] > 0).float()
    return TensorDataset(x, y.unsqueeze(1))


def main():
    setup()
    torch.manual_seed(0)
    rank, world = dist.get_rank(), dist.get_world_size()
    train_set = toy(3000, 1)
    sampler = DistributedSampler(train_set, num_replicas=world, rank=rank, shuffle=True, seed=3)
    loader = DataLoader(train_set, batch_size=60, sampler=sampler)
    test_x, test_y = toy(800, 2).tensors

    model = DDP(nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 1)))
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    loss_fn = nn.BCEWithLogitsLoss()
    for epoch in range(6):
        model.train()
        for x, y in loader:
            opt.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            opt.step()
        model.eval()
        with torch.no_grad():
            acc = ((model(test_x) > 0).float() == test_y).float().mean().item()
        if rank == 0:
            print(f"epoch {epoch} loss {loss.item():.3f} test acc {acc:.3f}")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
