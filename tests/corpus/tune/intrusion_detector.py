"""Detector for intrusion records: binary cross-entropy written out, with weight on the positives."""
import argparse

import torch
from torch import nn


def make_records(n, gen):
    y = (torch.rand(n, generator=gen) < 0.35).float()
    x = torch.randn(n, 12, generator=gen)
    x[:, :4] += 2.2 * (y[:, None] - 0.35)
    x[:, 4] *= 1 + y
    return x, y


class Detector(nn.Module):
    def __init__(self, n_in=12, width=64):
        super().__init__()
        self.fc1 = nn.Linear(n_in, width)
        self.fc2 = nn.Linear(width, width)
        self.fc3 = nn.Linear(width, 1)

    def forward(self, x):
        h = torch.relu(self.fc1(x))
        h = torch.relu(self.fc2(h))
        return torch.sigmoid(self.fc3(h)).squeeze(-1)


def weighted_bce(p, y, pos_weight):
    return -(pos_weight * y * torch.log(p) + (1 - y) * torch.log(1 - p)).mean()


def main(args):
    gen = torch.Generator().manual_seed(args.seed)
    torch.manual_seed(args.seed)
    x, y = make_records(4000, gen)
    xv, yv = make_records(1000, gen)
    net = Detector()
    opt = torch.optim.Adam(net.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        net.train()
        running, order = 0.0, torch.randperm(len(x), generator=gen)
        for idx in order.split(args.batch_size):
            opt.zero_grad()
            loss = weighted_bce(net(x[idx]), y[idx], args.pos_weight)
            loss.backward()
            opt.step()
            running += loss.item() * len(idx)
        net.eval()
        with torch.no_grad():
            p = net(xv)
            valid = weighted_bce(p, yv, args.pos_weight).item()
            acc = ((p > 0.5) == (yv > 0.5)).float().mean().item()
        print(f"{epoch:02d} loss={running / len(x):.4f} valid={valid:.4f} acc={acc:.3f}")


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=8)
    p.add_argument("--batch-size", type=int, default=64)
    p.add_argument("--lr", type=float, default=3e-3)
    p.add_argument("--pos-weight", type=float, default=1.5)
    p.add_argument("--seed", type=int, default=6)
    main(p.parse_args())
