import os

import torch
import torch.distributed as dist
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler
from sklearn.datasets import load_breast_cancer


def prepare(seed=0):
    x, y = load_breast_cancer(return_X_y=True)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    p = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    x, y = x[p], y[p]
    x = (x - x[:420].mean(0)) / x[:420].std(0)
    return TensorDataset(x[:420], y[:420]), (x[420:], y[420:])


def main(rank, world):
    torch.manual_seed(0)
    train, (xv, yv) = prepare()
    sampler = DistributedSampler(train, num_replicas=world, rank=rank, shuffle=True, drop_last=True)
    loader = DataLoader(train, batch_size=15, sampler=sampler)
    model = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 2))
    opt = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=0.01)
    for epoch in range(8):
        sampler.set_epoch(epoch)
        model.train()
        for x, y in loader:
            opt.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            if dist.is_initialized():
                for p in model.parameters():
                    dist.all_reduce(p.grad)
                    p.grad /= world
            opt.step()
        model.eval()
        with torch.no_grad():
            out = model(xv)
        print(f"rank {rank} epoch {epoch} val loss {nn.functional.cross_entropy(out, yv).item():.4f} "
              f"acc {(out.argmax(1) == yv).float().mean().item():.3f}")


if __name__ == "__main__":
    main(int(os.getenv("RANK", "0")), int(os.getenv("WORLD_SIZE", "1")))
