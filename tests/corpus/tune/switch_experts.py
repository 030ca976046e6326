"""Switch layer: each token goes to one expert; an auxiliary loss balances the load."""
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class MoEConfig:
    d_in: int = 8
    width: int = 48
    experts: int = 4
    aux: float = 0.02
    batch: int = 64
    epochs: int = 6
    lr: float = 4e-3
    seed: int = 66


class Experts(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.router = nn.Linear(c.width, c.experts)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(c.width, c.width), nn.GELU(), nn.Linear(c.width, c.width)) for _ in range(c.experts))

    def forward(self, x):
        prob = self.router(x).softmax(-1)
        gate, choice = prob.max(-1)
        out = torch.zeros_like(x)
        for k, expert in enumerate(self.experts):
            rows = (choice == k).nonzero(as_tuple=True)[0]
            if len(rows):
                out = out.index_add(0, rows, expert(x[rows]) * gate[rows, None])
        load = F.one_hot(choice, prob.shape[1]).float().mean(0)
        return x + out, prob.shape[1] * (load * prob.mean(0)).sum()


class Net(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.inp, self.moe, self.norm = nn.Linear(c.d_in, c.width), Experts(c), nn.LayerNorm(c.width)
        self.out = nn.Linear(c.width, 1)

    def forward(self, x):
        h, balance = self.moe(F.gelu(self.inp(x)))
        return self.out(self.norm(h)).squeeze(-1), balance


def piecewise(n, seed, d):
    g = torch.Generator().manual_seed(seed)
    w = torch.randn(4, d, generator=torch.Generator().manual_seed(7))
    x = torch.randn(n, d, generator=g)
    region = (x[:, 0] > 0).long() * 2 + (x[:, 1] > 0).long()
    y = (x * w[region]).sum(1) / d ** 0.5 + 0.1 * torch.randn(n, generator=g)
    return TensorDataset(x, y)


def main():
    c = MoEConfig()
    torch.manual_seed(c.seed)
    train, val = piecewise(3500, 1, c.d_in), piecewise(800, 2, c.d_in)
    loader = DataLoader(train, c.batch, shuffle=True)
    model = Net(c)
    opt = torch.optim.AdamW(model.parameters(), lr=c.lr, weight_decay=0.01)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, c.lr, total_steps=c.epochs * len(loader), pct_start=0.2)
    for epoch in range(c.epochs):
        model.train()
        total = 0.0
        for x, y in loader:
            pred, balance = model(x)
            loss = F.mse_loss(pred, y) + c.aux * balance
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            sched.step()
            total += loss.item() * len(y)
        model.eval()
        with torch.no_grad():
            x, y = val.tensors
            pred, balance = model(x)
            mse = F.mse_loss(pred, y)
        print(f"epoch {epoch} train {total / len(train):.4f} val {(mse + c.aux * balance).item():.4f} mse {mse.item():.4f} "
              f"variance {y.var().item():.2f} balance {balance.item():.3f}")


if __name__ == "__main__":
    main()
