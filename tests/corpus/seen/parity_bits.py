"""Parity of three hidden bits: nothing happens for a while, then the network gets it."""
import argparse

import torch
import torch.nn as nn


def bits(n, width, secret, gen):
    x = (torch.rand(n, width, generator=gen) < 0.5).float() * 2 - 1
    return x, (x[:, secret].prod(dim=1) > 0).float()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--width", type=int, default=30)
    ap.add_argument("--hidden", type=int, default=128)
    ap.add_argument("--steps", type=int, default=800)
    ap.add_argument("--lr", type=float, default=0.05)
    args = ap.parse_args()
    torch.manual_seed(0)
    gen = torch.Generator().manual_seed(0)
    secret = [3, 11, 17]
    x_test, y_test = bits(1000, args.width, secret, gen)
    net = nn.Sequential(nn.Linear(args.width, args.hidden), nn.ReLU(), nn.Linear(args.hidden, 1), nn.Flatten(0))
    opt = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=0.9)
    bce = nn.BCEWithLogitsLoss()
    for step in range(1, args.steps + 1):
        x, y = bits(64, args.width, secret, gen)  # fresh examples every step
        opt.zero_grad()
        loss = bce(net(x), y)
        loss.backward()
        opt.step()
        if step % 80 == 0:
            with torch.no_grad():
                z = net(x_test)
            acc = ((z > 0).float() == y_test).float().mean()
            print(f"step {step:4d}  test loss {bce(z, y_test).item():.3f}  test acc {acc:.3f}")


if __name__ == "__main__":
    main()
