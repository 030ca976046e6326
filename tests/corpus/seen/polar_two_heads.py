"""Two-task net: class of a signal source and its (scaled) distance."""
import torch
import torch.nn as nn
from torch.optim.lr_scheduler import CosineAnnealingLR


def antenna_readings(n, seed):
    g = torch.Generator().manual_seed(seed)
    pos = torch.rand(n, 2, generator=g) * 2 - 1
    sensors = torch.tensor([[a, b] for a in (-1.0, 0.0, 1.0) for b in (-1.0, 0.0, 1.0)])
    d = torch.cdist(pos, sensors)
    x = (1 / (0.3 + d)) + 0.05 * torch.randn(n, 9, generator=g)
    x = (x - 1.1) / 0.55
    kind = (pos[:, 0] > 0).long() * 2 + (pos[:, 1] > 0).long()
    dist = (pos.norm(dim=1) - 0.75) / 0.3
    return x, kind, dist


class TwoHeads(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.inp = nn.Linear(9, width)
        self.mid = nn.Linear(width, width)
        self.drop = nn.Dropout(0.05)
        self.kind = nn.Linear(width, 4)
        self.dist = nn.Linear(width, 1)

    def forward(self, x):
        h = self.inp(x)
        h = self.drop(self.mid(h))
        return self.kind(h), self.dist(h)[:, 0]


def main(epochs=14):
    torch.manual_seed(202)
    xt, kt, dt = antenna_readings(2400, 0)
    xv, kv, dv = antenna_readings(600, 1)
    net = TwoHeads()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    sched = CosineAnnealingLR(opt, T_max=epochs)
    for epoch in range(epochs):
        sched.step()
        net.train()
        for ids in torch.randperm(len(xt)).split(48):
            k, d = net(xt[ids])
            loss = nn.functional.cross_entropy(k, kt[ids]) + nn.functional.mse_loss(d, dt[ids])
            opt.zero_grad()
            loss.backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            k, d = net(xv)
            print(f"epoch {epoch:2d} kind acc {(k.argmax(1) == kv).float().mean():.3f} "
                  f"dist mse {nn.functional.mse_loss(d, dv):.3f}")


if __name__ == "__main__":
    import warnings
    warnings.simplefilter("ignore")
    main()
