"""Probabilistic one-step model of a pendulum (mean and log-variance), SGD."""
import numpy as np
import torch
from torch import nn


def simulate(n, seed):
    r = np.random.default_rng(seed)
    th = r.uniform(-np.pi, np.pi, n)
    om = r.normal(0, 1.5, n)
    u = r.uniform(-1, 1, n)
    om2 = om + 0.2 * (-np.sin(th) * 2 + u * 1.5) + r.normal(0, 0.05, n)
    x = np.stack([np.sin(th), np.cos(th), om / 1.5, u * 1.7], 1)
    dy = (om2 - om) / 0.33
    return torch.tensor(x, dtype=torch.float32), torch.tensor(dy, dtype=torch.float32)


class GaussNet(nn.Module):
    def __init__(self, n_in=4, n_hidden=48):
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(n_in, n_hidden), nn.SiLU(), nn.Linear(n_hidden, n_hidden), nn.SiLU())
        self.mu, self.log_var = nn.Linear(n_hidden, 1), nn.Linear(n_hidden, 1)

    def forward(self, x):
        h = self.hidden(x)
        return self.mu(h).squeeze(1), self.log_var(h).squeeze(1).clamp(-6, 4)


def nll(mu, log_var, y):
    return 0.5 * (log_var + (y - mu) ** 2 / log_var.exp()).mean()


if __name__ == "__main__":
    torch.manual_seed(71)
    x, y = simulate(4000, 0)
    xv, yv = simulate(800, 1)
    model = GaussNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    for epoch in range(14):
        model.train()
        total = 0.0
        for ids in torch.randperm(len(x)).split(80):
            optimizer.zero_grad()
            loss = nll(*model(x[ids]), y[ids])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.01)
            optimizer.step()
            total += loss.item() * len(ids)
        model.eval()
        with torch.no_grad():
            mu, lv = model(xv)
            print(f"epoch {epoch:2d}  nll {total / len(x):.4f}  valid nll {nll(mu, lv, yv).item():.4f}  "
                  f"rmse {(mu - yv).pow(2).mean().sqrt().item():.4f}")
