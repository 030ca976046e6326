"""Regression of a plant's output; the rate grows with the batch size."""
import argparse

import torch
from sklearn.datasets import make_friedman2
from torch import nn


def get_data(n, seed):
    x, y = make_friedman2(n, noise=20.0, random_state=seed)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)[:, None]


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--lr-per-sample", type=float, default=0.01)
    ap.add_argument("--batch-size", type=int, default=128)
    ap.add_argument("--epochs", type=int, default=15)
    args = ap.parse_args()

    torch.manual_seed(27)
    x, y = get_data(2500, 27)
    x_tr, y_tr, x_va, y_va = x[:2000], y[:2000], x[2000:], y[2000:]
    mx, sx, my, sy = x_tr.mean(0), x_tr.std(0), y_tr.mean(), y_tr.std()
    x_tr, x_va = (x_tr - mx) / sx, (x_va - mx) / sx
    y_tr, y_va = (y_tr - my) / sy, (y_va - my) / sy

    net = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
    lr = args.lr_per_sample * args.batch_size
    opt = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.5)
    print(f"lr {lr}")
    for epoch in range(args.epochs):
        net.train()
        losses = []
        for idx in torch.randperm(len(x_tr)).split(args.batch_size):
            opt.zero_grad()
            loss = nn.functional.smooth_l1_loss(net(x_tr[idx]), y_tr[idx])
            loss.backward()
            opt.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            val = nn.functional.smooth_l1_loss(net(x_va), y_va).item()
        print(f"epoch {epoch:2d}  train mean {sum(losses) / len(losses):.4f} max {max(losses):.4f}  val {val:.4f}")


if __name__ == "__main__":
    main()
