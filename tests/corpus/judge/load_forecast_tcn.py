"""One-step-ahead forecast of an electricity load series with a small temporal convolution network."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def series(n, rng):
    t = np.arange(n)
    day = np.sin(2 * np.pi * t / 24) + 0.4 * np.sin(4 * np.pi * t / 24 + 1)
    week = 0.5 * np.sin(2 * np.pi * t / 168)
    noise = np.zeros(n)
    for i in range(1, n):
        noise[i] = 0.8 * noise[i - 1] + 0.15 * rng.normal()
    return (day + week + noise).astype(np.float32)


def windows(values, length=48):
    x = np.lib.stride_tricks.sliding_window_view(values, length + 1)
    return torch.from_numpy(x[:, :-1].copy())[:, None], torch.from_numpy(x[:, -1:].copy())


class CausalBlock(nn.Module):
    def __init__(self, channels, dilation):
        super().__init__()
        self.pad = 2 * dilation
        self.conv = nn.Conv1d(channels, channels, 3, dilation=dilation)

    def forward(self, x):
        return x + F.relu(self.conv(F.pad(x, (self.pad, 0))))


class TCN(nn.Module):
    def __init__(self, channels=24):
        super().__init__()
        self.inp = nn.Conv1d(1, channels, 1)
        self.block1 = CausalBlock(channels, 1)
        self.block2 = CausalBlock(channels, 2)
        self.block3 = CausalBlock(channels, 4)
        self.block4 = CausalBlock(channels, 8)
        self.out = nn.Linear(channels, 1)

    def forward(self, x):
        h1 = self.block1(self.inp(x))
        h2 = self.block2(h1)
        h3 = self.block2(h2)
        h4 = self.block4(h3)
        return self.out(F.relu(h4[:, :, -1]))


def main():
    rng = np.random.default_rng(14)
    torch.manual_seed(14)
    values = series(3000, rng)
    cut = 2400
    mean, std = values[:cut].mean(), values[:cut].std()
    values = (values - mean) / std
    train = TensorDataset(*windows(values[:cut]))
    test = TensorDataset(*windows(values[cut:]))
    train_loader = DataLoader(train, batch_size=64, shuffle=True)
    test_loader = DataLoader(test, batch_size=256)

    model = TCN()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(6):
        model.train()
        total = 0.0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = F.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        model.eval()
        with torch.no_grad():
            err = sum(F.mse_loss(model(x), y, reduction="sum").item() for x, y in test_loader) / len(test)
        print(f"epoch {epoch}  train mse {total / len(train):.4f}  test mse {err:.4f}")


if __name__ == "__main__":
    main()
