import contextlib
import os
import tempfile

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler

ACCUM = 2


def datasets():
    d = load_digits()
    X = torch.tensor(d.data / 16.0, dtype=torch.float32)
    y = torch.tensor(d.target)
    p = torch.randperm(len(y), generator=torch.Generator().manual_seed(7))
    return TensorDataset(X[p[:1408]], y[p[:1408]]), TensorDataset(X[p[1408:]], y[p[1408:]])


def run(rank, world, path):
    dist.init_process_group("gloo", init_method=f"file://{path}", rank=rank, world_size=world)
    torch.set_num_threads(1)
    torch.manual_seed(7)
    train_set, test_set = datasets()
    model = DistributedDataParallel(nn.Sequential(
        nn.Linear(64, 96), nn.ReLU(), nn.Dropout(0.1), nn.Linear(96, 48), nn.ReLU(), nn.Linear(48, 10)))
    torch.manual_seed(1000 + rank)
    sampler = DistributedSampler(train_set, num_replicas=world, rank=rank)
    loader = DataLoader(train_set, batch_size=16, sampler=sampler)
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(12):
        sampler.set_epoch(epoch)
        model.train()
        opt.zero_grad()
        for i, (x, y) in enumerate(loader):
            last = (i + 1) % ACCUM == 0
            with contextlib.nullcontext() if last else model.no_sync():
                loss = loss_fn(model(x), y)
                (loss / ACCUM).backward()
            if last:
                opt.step()
                opt.zero_grad()
        model.eval()
        with torch.no_grad():
            X, y = test_set.tensors
            acc = (model.module(X).argmax(1) == y).float().mean()
        if rank == 0 and epoch % 3 == 2:
            print(f"epoch {epoch + 1} loss {loss.item():.3f} test acc {acc:.4f}", flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.spawn(run, args=(2, os.path.join(tempfile.mkdtemp(), "s")), nprocs=2)
