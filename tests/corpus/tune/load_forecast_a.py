# hourly electricity load: predict the next hour from lag and rolling features
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import Dataset, DataLoader

torch.manual_seed(0)
rng = np.random.default_rng(0)


def rolling(x, k, fn):
    out = np.full(len(x), np.nan)
    out[k - 1:] = fn(np.lib.stride_tricks.sliding_window_view(x, k), axis=1)
    return out


def shift(x, k):
    out = np.full(len(x), np.nan)
    if k > 0:
        out[k:] = x[:-k]
    else:
        out[:k] = x[-k:]
    return out


t = np.arange(2400)
hour, day = t % 24, (t // 24) % 7
load = 50 + 12 * np.sin(2 * np.pi * hour / 24) + 5 * np.sin(2 * np.pi * day / 7) + rng.normal(0, 1.5, len(t))

table = {
    "load": load,
    "hour_sin": np.sin(2 * np.pi * hour / 24),
    "hour_cos": np.cos(2 * np.pi * hour / 24),
    "roll_mean_6": rolling(load, 6, np.mean),
    "roll_std_6": rolling(load, 6, np.std),
    "lag_24": shift(load, 24),
    "target": shift(load, -1),
}
data = np.stack(list(table.values()), axis=1)
data = data[:-1]

split = 1900
train, valid = data[:split], data[split:]
mu, sd = np.nanmean(train, axis=0), np.nanstd(train, axis=0)
train, valid = (train - mu) / sd, (valid - mu) / sd


class HourlyDataset(Dataset):
    def __init__(self, rows):
        self.x = torch.tensor(rows[:, :-1], dtype=torch.float32)
        self.y = torch.tensor(rows[:, -1], dtype=torch.float32)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


train_dl = DataLoader(HourlyDataset(train), batch_size=32, shuffle=True)
valid_dl = DataLoader(HourlyDataset(valid), batch_size=128)

net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
mse = nn.MSELoss()

for epoch in range(6):
    net.train()
    losses = []
    for x, y in train_dl:
        opt.zero_grad()
        loss = mse(net(x).squeeze(-1), y)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        v = np.mean([mse(net(x).squeeze(-1), y).item() for x, y in valid_dl])
    print(f"epoch {epoch}: train mse {np.mean(losses):.4f}, valid mse {v:.4f}")
