"""Sales of 40 shops: three quantiles with the pinball loss. Lag features, split by time."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

QUANTILES = torch.tensor([0.1, 0.5, 0.9])
LAGS = 14


def simulate(rng, shops=40, days=220):
    t = np.arange(days)
    level = rng.normal(0, 0.4, (shops, 1))
    week = rng.normal(0, 0.35, (shops, 7))[:, t % 7]
    season = 0.3 * np.sin(2 * np.pi * t / 90 + rng.uniform(0, 6.28, (shops, 1)))
    promo = rng.random((shops, days)) < 0.12
    sd = np.where(promo, 0.35, 0.15)
    return np.exp(4 + level + week + season + 0.5 * promo + rng.normal(0, 1, (shops, days)) * sd), promo


def table(sales, promo):
    logs = np.log(sales)
    rows, target, day = [], [], []
    for t in range(LAGS, sales.shape[1]):
        past = logs[:, t - LAGS:t]
        m = past.mean(1, keepdims=True)
        onehot = np.zeros((len(sales), 7))
        onehot[:, t % 7] = 1
        rows.append(np.concatenate([(past - m) * 2, promo[:, t:t + 1], promo[:, t - LAGS:t].mean(1, keepdims=True), onehot], 1))
        target.append((logs[:, t] - m[:, 0]) * 2)
        day += [t] * len(sales)
    return np.concatenate(rows), np.concatenate(target), np.array(day)


def pinball(pred, y):
    err = y[:, None] - pred
    return torch.maximum(QUANTILES * err, (QUANTILES - 1) * err).mean()


class QuantileNet(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(d, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
        self.median, self.spread = nn.Linear(32, 1), nn.Linear(32, 2)

    def forward(self, x):
        h = self.body(x)
        m, s = self.median(h), nn.functional.softplus(self.spread(h))
        return torch.cat([m - s[:, :1], m, m + s[:, 1:]], 1)      # quantiles cannot cross


def main():
    torch.manual_seed(70)
    X, y, day = table(*simulate(np.random.default_rng(70)))
    X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
    tr, va = torch.tensor(day < 180), torch.tensor(day >= 180)
    print("rows", int(tr.sum()), int(va.sum()), "target sd", y[tr].std().item())
    const = torch.quantile(y[tr], QUANTILES)
    print("constant quantiles: pinball", pinball(const.expand(int(va.sum()), 3), y[va]).item())
    dl = DataLoader(TensorDataset(X[tr], y[tr]), batch_size=128, shuffle=True)
    net = QuantileNet(X.shape[1])
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    sched = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, patience=1, factor=0.4)
    for epoch in range(9):
        net.train()
        run = [0.0, 0]
        for xb, yb in dl:
            loss = pinball(net(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            run[0] += loss.item() * len(yb)
            run[1] += len(yb)
        net.eval()
        with torch.no_grad():
            p = net(X[va])
            v = pinball(p, y[va]).item()
        inside = ((y[va] > p[:, 0]) & (y[va] < p[:, 2])).float().mean().item()
        sched.step(v)
        print(f"{epoch} train {run[0] / run[1]:.4f} val {v:.4f} inside the 80% band {inside:.3f} lr {opt.param_groups[0]['lr']:.4f}")


main()
