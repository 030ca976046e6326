"""One-step-ahead forecast of a synthetic wind farm's output."""
import math

import torch
from torch import nn

torch.manual_seed(21)


def make_series(length):
    t = torch.arange(length).float()
    daily = torch.sin(2 * math.pi * t / 24)
    weekly = 0.5 * torch.sin(2 * math.pi * t / 90 + 1.0)
    return daily + weekly + 0.15 * torch.randn(length)


def windows(series, width):
    w = series.unfold(0, width + 1, 1)
    return w[:, :-1].unsqueeze(-1), w[:, -1]


class Forecaster(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.rnn = nn.GRU(1, hidden, batch_first=True)
        self.readout = nn.Linear(hidden, 1)

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.readout(states[:, -1]).squeeze(-1)


series = make_series(2600)
series = (series - series[:2000].mean()) / series[:2000].std()
x_train, y_train = windows(series[:2000], 24)
x_val, y_val = windows(series[2000:], 24)

model = Forecaster()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
mse = nn.MSELoss()
smooth = None
step = 0
for epoch in range(8):
    model.train()
    order = torch.randperm(len(x_train))
    for idx in order.split(64):
        optimizer.zero_grad()
        loss = mse(model(x_train[idx]), y_train[idx])
        loss.backward()
        optimizer.step()
        # smoothed curve for the progress line
        smooth = loss if smooth is None else 0.97 * smooth + 0.03 * loss
        step += 1
        if step % 60 == 0:
            print(f"step {step:4d} smoothed mse {float(smooth):.4f}")
    model.eval()
    with torch.no_grad():
        val = mse(model(x_val), y_val)
    print(f"epoch {epoch} val mse {val.item():.4f}")
