"""Short-term electricity load forecasting from the last 48 hours."""
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def hourly_load(hours):
    t = torch.arange(hours, dtype=torch.float32)
    day = torch.sin(2 * math.pi * t / 24)
    week = 0.4 * torch.sin(2 * math.pi * t / 168)
    peak = 0.6 * (torch.sin(2 * math.pi * t / 12 + 1) > 0.7).float()
    return day + week + peak + 0.1 * torch.randn(hours)


def to_windows(series, past=48):
    x = series.unfold(0, past + 1, 1)
    return x[:, :past].clone(), x[:, past].clone()


class Forecaster(nn.Module):
    def __init__(self, past=48, width=64):
        super().__init__()
        self.inp = nn.Linear(past, width)
        self.mid = nn.Linear(width, width)
        self.out = nn.Linear(width, 1)
        self.drop = nn.Dropout(0.1)

    def forward(self, x):
        h = self.drop(self.inp(x))
        h = torch.relu(self.mid(h))
        return self.out(h).squeeze(-1)


def main():
    torch.manual_seed(17)
    series = hourly_load(3400)
    mean, std = series[:2600].mean(), series[:2600].std()
    series = (series - mean) / std
    train = TensorDataset(*to_windows(series[:2600]))
    valid = TensorDataset(*to_windows(series[2600:]))
    train_loader = DataLoader(train, batch_size=64, shuffle=True)
    valid_loader = DataLoader(valid, batch_size=256)
    model = Forecaster()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    huber = nn.SmoothL1Loss()
    for epoch in range(10):
        model.train()
        total = 0.0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = huber(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            errs = torch.cat([(model(x) - y).abs() for x, y in valid_loader])
        print(f"epoch {epoch:2d}  train {total / len(train_loader):.4f}  MAE {errs.mean().item():.4f}")


if __name__ == "__main__":
    main()
