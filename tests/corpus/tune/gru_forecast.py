"""Forecast the next value of a noisy multi-tone signal with a GRU (chronological split)."""
import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Windows(Dataset):
    def __init__(self, series, length):
        self.series, self.length = torch.as_tensor(series, dtype=torch.float32), length

    def __len__(self):
        return len(self.series) - self.length

    def __getitem__(self, i):
        return self.series[i:i + self.length, None], self.series[i + self.length]


class GRUForecaster(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.readout = nn.Linear(hidden, 1)

    def forward(self, x):
        _, h = self.gru(x)
        return self.readout(h[-1]).squeeze(-1)


def run(args):
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    t = np.arange(2400)
    s = np.sin(t / 5) + 0.6 * np.sin(t / 11 + 1) + rng.normal(0, 0.1, len(t))
    cut = 1700
    s = (s - s[:cut].mean()) / s[:cut].std()
    train = DataLoader(Windows(s[:cut], args.length), batch_size=64, shuffle=True)
    val = DataLoader(Windows(s[cut:], args.length), batch_size=350)
    model = GRUForecaster(args.hidden)
    opt = torch.optim.Adam(model.parameters(), lr=args.lr)
    loss_fn = nn.MSELoss()
    for epoch in range(args.epochs):
        model.train()
        losses = []
        for x, y in train:
            opt.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            opt.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            v = [loss_fn(model(x), y).item() for x, y in val]
        print(f"epoch {epoch} train mse {np.mean(losses):.4f} val mse {np.mean(v):.4f}")


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--length", type=int, default=16)
    p.add_argument("--hidden", type=int, default=32)
    p.add_argument("--lr", type=float, default=5e-3)
    p.add_argument("--epochs", type=int, default=7)
    p.add_argument("--seed", type=int, default=1)
    run(p.parse_args())
