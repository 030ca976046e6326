"""Data parallel training with hand-written gradient averaging on two processes."""
import os
import tempfile

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn as nn

WORLD = 2


def data(n, seed):
    g = torch.Generator().manual_seed(seed)
    x = torch.rand(n, 2, generator=g) * 2 - 1
    y = (x.norm(dim=1) < 0.75).long()
    return x * 1.7, y


def average_gradients(model):
    for p in model.parameters():
        dist.all_reduce(p.grad, op=dist.ReduceOp.SUM)
        p.grad /= WORLD


def worker(rank, rendezvous):
    dist.init_process_group("gloo", init_method="file://" + rendezvous, rank=rank, world_size=WORLD)
    torch.manual_seed(100 + rank)
    torch.set_num_threads(1)
    x, y = data(2000, 0)
    x, y = x[rank::WORLD], y[rank::WORLD]
    x_test, y_test = data(500, 1)
    model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(8):
        model.train()
        for idx in torch.randperm(len(x)).split(50):
            optimizer.zero_grad()
            loss = loss_fn(model(x[idx]), y[idx])
            loss.backward()
            average_gradients(model)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            acc = (model(x_test).argmax(1) == y_test).float().mean()
        dist.all_reduce(acc)
        if rank == 0:
            print(f"epoch {epoch}: loss {loss.item():.4f}, accuracy averaged over ranks {acc.item() / WORLD:.3f}")
    dist.destroy_process_group()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as tmp:
        mp.start_processes(worker, args=(os.path.join(tmp, "rdzv"),), nprocs=WORLD, start_method="fork")
