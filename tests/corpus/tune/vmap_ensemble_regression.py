"""Deep ensemble trained in one go: stacked weights, vmap over the members."""
import argparse
import math

import torch
import torch.nn as nn
from torch.func import functional_call, stack_module_state, vmap


def sample(n, generator):
    x = torch.rand(n, 2, generator=generator) * 4 - 2
    y = torch.sin(2 * x[:, :1]) * torch.cos(x[:, 1:]) + 0.1 * torch.randn(n, 1, generator=generator)
    return x, y


class Member(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.l1, self.l2, self.l3 = nn.Linear(2, width), nn.Linear(width, width), nn.Linear(width, 1)

    def forward(self, x):
        return self.l3(torch.tanh(self.l2(torch.tanh(self.l1(x)))))


class Ensemble:
    def __init__(self, size):
        members = [Member() for _ in range(size)]
        stacked, self.buffers = stack_module_state(members)
        self.size = size
        self.template = Member().to("meta")
        self.params = {k: v.detach().requires_grad_() for k, v in stacked.items()}

    def __call__(self, x):
        one = lambda p, b, x: functional_call(self.template, (p, b), (x,))
        return vmap(one, in_dims=(0, 0, None))(self.params, self.buffers, x)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--members", type=int, default=5)
    ap.add_argument("--epochs", type=int, default=20)
    ap.add_argument("--lr", type=float, default=4e-3)
    args = ap.parse_args()
    torch.manual_seed(44)
    g = torch.Generator().manual_seed(45)
    (x, y), (xv, yv) = sample(1500, g), sample(500, g)
    ensemble = Ensemble(args.members)
    opt = torch.optim.Adam(ensemble.params.values(), lr=args.lr)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, args.epochs)
    for epoch in range(args.epochs):
        total = 0.0
        for idx in torch.randperm(len(x)).split(64):
            per_member = (ensemble(x[idx]) - y[idx]).square().mean((1, 2))
            loss = per_member.sum()
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() / args.members * len(idx)
        sched.step()
        if epoch % 4 == 3:
            with torch.no_grad():
                pred = ensemble(xv)
            mean, spread = pred.mean(0), pred.std(0).mean().item()
            print(f"epoch {epoch + 1:2d} train {total / len(x):.4f} val {(mean - yv).square().mean().item():.4f} "
                  f"rmse {math.sqrt((mean - yv).square().mean().item()):.3f} spread {spread:.3f}")


if __name__ == "__main__":
    main()
