import os
import sys
import tempfile

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler

WORLD = 2


def spirals(n, seed):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 2, (n,), generator=g)
    t = torch.rand(n, generator=g) * 2.5 + 0.4
    a = t * 1.6 + y * torch.pi
    x = torch.stack([t * a.cos(), t * a.sin()], 1) / 1.5 + 0.06 * torch.randn(n, 2, generator=g)
    return TensorDataset(x, y)


def average_gradients(model, world):
    for p in model.parameters():
        dist.all_reduce(p.grad)
        p.grad /= world


def worker(rank, rendezvous):
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=WORLD)
    torch.set_num_threads(1)
    torch.manual_seed(100 + rank)

    train_set, test_set = spirals(2000, 1), spirals(500, 2)
    sampler = DistributedSampler(train_set, num_replicas=WORLD, rank=rank, shuffle=True, seed=5)
    loader = DataLoader(train_set, batch_size=50, sampler=sampler)
    model = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    criterion = nn.CrossEntropyLoss()

    for epoch in range(15):
        sampler.set_epoch(epoch)
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            average_gradients(model, WORLD)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            xs, ys = test_set.tensors
            acc = (model(xs).argmax(1) == ys).float().mean().item()
        if rank == 0 and epoch % 3 == 2:
            print(f"epoch {epoch + 1}: loss {loss.item():.4f} acc {acc:.3f}", flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    path = os.path.join(tempfile.mkdtemp(), "store")
    mp.spawn(worker, args=(path,), nprocs=WORLD)
    sys.exit(0)
