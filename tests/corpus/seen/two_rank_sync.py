import os
import tempfile

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

WORLD = 2


def toy(n, seed):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 12, generator=g)
    y = (x[:, :3].prod(1) + x[:, 3] > 0).long()
    return x, y


def average_gradients(model):
    for p in model.parameters():
        dist.all_reduce(p.grad, op=dist.ReduceOp.SUM)
        p.grad /= dist.get_world_size()


def worker(rank, init_file):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{init_file}", rank=rank, world_size=WORLD)
    torch.manual_seed(1000 + rank)  # every rank its own dropout and shuffling
    net = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Dropout(0.1), nn.Linear(48, 2))
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    x, y = toy(2000, 0)
    x, y = x[rank::WORLD], y[rank::WORLD]
    xt, yt = toy(500, 1)
    for epoch in range(10):
        net.train()
        for ids in torch.randperm(len(x)).split(50):
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(x[ids]), y[ids])
            loss.backward()
            average_gradients(net)
            opt.step()
        net.eval()
        with torch.no_grad():
            acc = (net(xt).argmax(1) == yt).float().mean()
        if rank == 0:
            print(f"epoch {epoch} loss {loss.item():.3f} test acc {acc.item():.3f}", flush=True)
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    path = os.path.join(tempfile.mkdtemp(), "store")
    mp.start_processes(worker, args=(path,), nprocs=WORLD, start_method="fork")
