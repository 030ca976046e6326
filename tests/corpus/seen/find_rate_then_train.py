"""Learning-rate range test on a throw-away copy, then the real run with the chosen rate."""
import copy
import math

import torch
from torch import nn


def moons(n, seed):
    g = torch.Generator().manual_seed(seed)
    a = torch.rand(n, generator=g) * math.pi
    y = torch.randint(2, (n,), generator=g)
    x = torch.stack([a.cos() + y, torch.where(y == 0, a.sin(), 0.5 - a.sin())], 1)
    return x + 0.12 * torch.randn(n, 2, generator=g) - torch.tensor([0.5, 0.25]), y


def step(net, opt, x, y):
    loss = nn.functional.cross_entropy(net(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    return loss.item()


def range_test(net, x, y, low=1e-4, high=1.0, n=60):
    net = copy.deepcopy(net)
    opt = torch.optim.SGD(net.parameters(), lr=low, momentum=0.9)
    gamma = (high / low) ** (1 / n)
    sched = torch.optim.lr_scheduler.ExponentialLR(opt, gamma)
    best, best_lr = float("inf"), low
    for _ in range(n):
        ids = torch.randint(len(x), (64,))
        lr = opt.param_groups[0]["lr"]
        loss = step(net, opt, x[ids], y[ids])
        if loss < best:
            best, best_lr = loss, lr
        if loss > 4 * best:
            break
        sched.step()
    return best_lr / 10


torch.manual_seed(37)
x, y = moons(1500, 0)
xv, yv = moons(400, 1)
net = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))
lr = range_test(net, x, y)
print(f"chosen rate {lr:.4f}")
opt = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
for epoch in range(10):
    net.train()
    for ids in torch.randperm(1500).split(50):
        step(net, opt, x[ids], y[ids])
    net.eval()
    with torch.no_grad():
        z = net(xv)
    print(epoch, round(nn.functional.cross_entropy(z, yv).item(), 4), round((z.argmax(1) == yv).float().mean().item(), 4))
