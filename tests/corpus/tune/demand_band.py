"""Upper and lower demand bands for a small chain of bike stations."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def simulate(n, rng):
    hour = rng.uniform(0, 24, n)
    temp = rng.normal(0, 1, n)
    wind = rng.normal(0, 1, n)
    weekend = rng.integers(0, 2, n)
    level = 1.2 * np.sin((hour - 7) / 24 * 2 * np.pi) + 0.8 * temp - 0.3 * wind + 0.4 * weekend * temp
    demand = level + rng.normal(0, 0.3, n)
    feats = np.stack([np.sin(hour / 24 * 2 * np.pi), np.cos(hour / 24 * 2 * np.pi), temp, wind, weekend - 0.5], 1)
    return torch.tensor(feats, dtype=torch.float32), torch.tensor(demand, dtype=torch.float32)


class BandTrainer:
    def __init__(self, quantile, lr=3e-3):
        self.quantile = quantile
        self.net = nn.Sequential(nn.Linear(5, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 1))
        self.opt = torch.optim.Adam(self.net.parameters(), lr=lr)

    def pinball(self, forecast, actual):
        gap = actual - forecast
        return torch.maximum(self.quantile * gap, (self.quantile - 1) * gap).mean()

    def fit(self, loader, epochs):
        for epoch in range(epochs):
            self.net.train()
            total = 0.0
            for xb, yb in loader:
                self.opt.zero_grad()
                loss = self.pinball(self.net(xb), yb)
                loss.backward()
                self.opt.step()
                total += loss.item() * len(xb)
            if epoch % 3 == 0:
                print(f"q={self.quantile:.2f} epoch {epoch:2d} pinball {total / len(loader.dataset):.4f}")

    @torch.no_grad()
    def score(self, loader):
        self.net.eval()
        losses = [self.pinball(self.net(xb), yb).item() for xb, yb in loader]
        return float(np.mean(losses))


if __name__ == "__main__":
    torch.manual_seed(11)
    rng = np.random.default_rng(11)
    train = DataLoader(TensorDataset(*simulate(2400, rng)), batch_size=64, shuffle=True)
    held_out = DataLoader(TensorDataset(*simulate(600, rng)), batch_size=200)
    for q in (0.1, 0.9):
        trainer = BandTrainer(q)
        trainer.fit(train, epochs=10)
        print("held-out pinball", round(trainer.score(held_out), 4))
