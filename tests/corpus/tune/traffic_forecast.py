"""Hourly traffic forecast with an LSTM; windows are taken in temporal order."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


def traffic(hours, seed=0):
    r = np.random.default_rng(seed)
    h = np.arange(hours)
    base = 1.5 * np.sin(2 * np.pi * (h - 6) / 24) + 0.6 * np.sin(4 * np.pi * h / 24)
    weekend = ((h // 24) % 7 >= 5) * -0.8
    noise = np.zeros(hours)
    for i in range(1, hours):
        noise[i] = 0.6 * noise[i - 1] + 0.2 * r.normal()
    return (base + weekend + noise).astype("float32")


class Windows(Dataset):
    def __init__(self, series, length=24):
        self.series, self.length = torch.from_numpy(series), length

    def __len__(self):
        return len(self.series) - self.length

    def __getitem__(self, i):
        return self.series[i:i + self.length].unsqueeze(1), self.series[i + self.length:i + self.length + 1]


class LSTMForecaster(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


def main():
    torch.manual_seed(0)
    s = traffic(24 * 7 * 18)
    cut = 24 * 7 * 14
    s = (s - s[:cut].mean()) / s[:cut].std()
    train = DataLoader(Windows(s[:cut]), batch_size=64, shuffle=False)
    val = DataLoader(Windows(s[cut:]), batch_size=256)
    net = LSTMForecaster()
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    mse = nn.MSELoss()
    for epoch in range(7):
        net.train()
        tot = 0.0
        for x, y in train:
            opt.zero_grad()
            loss = mse(net(x), y)
            loss.backward()
            opt.step()
            tot += loss.item()
        net.eval()
        with torch.no_grad():
            v = sum(mse(net(x), y).item() * len(y) for x, y in val) / len(val.dataset)
        print(f"epoch {epoch} train {tot / len(train):.4f} val {v:.4f}")


if __name__ == "__main__":
    main()
