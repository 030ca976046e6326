import argparse

import torch
from torch import nn, optim


def series(n, length, gen):
    f = torch.rand(n, 1, generator=gen) * 0.3 + 0.1
    p = torch.rand(n, 1, generator=gen) * 6.28
    a = torch.rand(n, 1, generator=gen) * 0.5 + 0.75
    t = torch.arange(length + 1).float()
    s = a * torch.sin(f * t + p)
    return s[:, :-1, None], s[:, -1]


class Forecaster(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        h, _ = self.gru(x)
        return self.out(h[:, -1]).squeeze(-1)


def main(args):
    torch.manual_seed(args.seed)
    gen = torch.Generator().manual_seed(args.seed)
    x, y = series(1500, 24, gen)
    xv, yv = series(300, 24, gen)

    model = Forecaster()
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs, eta_min=1e-5)
    mse = nn.MSELoss()

    for epoch in range(args.epochs):
        model.train()
        perm = torch.randperm(len(x))
        total = 0.0
        for i in range(0, len(x), args.batch_size):
            b = perm[i:i + args.batch_size]
            optimizer.zero_grad()
            loss = mse(model(x[b]), y[b])
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item() * len(b)
        model.eval()
        with torch.no_grad():
            val = mse(model(xv), yv).item()
        print(f"epoch {epoch:2d} train {total / len(x):.5f} val {val:.5f} lr {scheduler.get_last_lr()[0]:.1e}")


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=12)
    ap.add_argument("--batch_size", type=int, default=50)
    ap.add_argument("--lr", type=float, default=5e-3)
    ap.add_argument("--seed", type=int, default=0)
    main(ap.parse_args())
