"""Measures steps per second of a few widths on random data; nothing is meant to be learned."""
import time

import torch
from torch import nn


def bench(width, steps=25, batch=64):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(128, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10))
    opt = torch.optim.AdamW(net.parameters(), lr=1e-4)
    x = torch.randn(steps, batch, 128)
    y = torch.randint(10, (steps, batch))
    net.train()
    t0 = time.perf_counter()
    for k in range(steps):
        opt.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(net(x[k]), y[k])
        loss.backward()
        opt.step()
    return steps / (time.perf_counter() - t0), sum(p.numel() for p in net.parameters())


if __name__ == "__main__":
    bench(32, steps=5)
    for width in (64, 128, 256):
        rate, size = bench(width)
        print(f"width {width:4d}: {size:8d} parameters, {rate:8.1f} steps/s")
