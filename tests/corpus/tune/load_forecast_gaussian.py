"""Mean and variance of tomorrow's electricity demand from today's weather and load (heteroscedastic regression)."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def simulate(n, rng):
    temp = rng.normal(12, 8, n)
    wind = rng.gamma(2, 3, n)
    load = rng.normal(50, 6, n)
    hour = rng.uniform(0, 24, n)
    base = 40 + 0.5 * (load - 50) + 0.04 * (temp - 18) ** 2 + 6 * np.sin(hour / 24 * 2 * np.pi)
    spread = 1.0 + 0.25 * wind
    y = base + spread * rng.standard_normal(n)
    x = np.stack([temp, wind, load, np.sin(hour / 24 * 2 * np.pi), np.cos(hour / 24 * 2 * np.pi)], 1)
    return x.astype(np.float32), y.astype(np.float32)


class GaussianHead(nn.Module):
    def __init__(self, n_in, width=48):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(n_in, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.out = nn.Linear(width, 2)

    def forward(self, x):
        mean, log_var = self.out(self.trunk(x)).chunk(2, dim=-1)
        return mean, log_var.clamp(-6, 6)


def gaussian_nll(mean, log_var, y):
    return 0.5 * (log_var + (y - mean) ** 2 / log_var.exp()).mean()


def main():
    rng = np.random.default_rng(31)
    torch.manual_seed(31)
    x, y = simulate(2400, rng)
    xt, yt, xv, yv = x[:1800], y[:1800], x[1800:], y[1800:]
    xm, xs, ym, ys = xt.mean(0), xt.std(0), yt.mean(), yt.std()
    tensors = lambda a, b: TensorDataset(torch.from_numpy((a - xm) / xs), torch.from_numpy((b - ym) / ys))
    train_loader = DataLoader(tensors(xt, yt), batch_size=32, shuffle=True)
    valid_loader = DataLoader(tensors(xv, yv), batch_size=200)

    model = GaussianHead(x.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(12):
        model.train()
        train_loss = 0.0
        for xb, yb in train_loader:
            mean, log_var = model(xb)
            loss = gaussian_nll(mean, log_var, yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(xb)
        model.eval()
        with torch.no_grad():
            valid_loss = np.mean([gaussian_nll(*model(xb), yb).item() for xb, yb in valid_loader])
        print(f"epoch {epoch}: nll {train_loss / len(xt):.3f}, held out {valid_loss:.3f}")


if __name__ == "__main__":
    main()
