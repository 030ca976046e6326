"""Hourly load forecast, judged test-then-train: each new week is first predicted, then learned from."""
import math
import numpy as np
import torch
import torch.nn as nn

torch.manual_seed(10)
rng = np.random.default_rng(10)
WEEK, LAG = 168, 48

t = np.arange(WEEK * 26)
temp = 8 * np.sin(2 * np.pi * t / (24 * 365)) + np.convolve(rng.normal(0, 1, len(t)), np.ones(12) / 3, "same")
load = 50 + 12 * np.sin(2 * np.pi * (t % 24 - 6) / 24) - 6 * ((t // 24) % 7 >= 5) - 0.8 * temp + rng.normal(0, 1, len(t))
n0 = WEEK * 18
mu, sd = load[:n0].mean(), load[:n0].std()
z = ((load - mu) / sd).astype("float32")
cal = np.stack([np.sin(2 * np.pi * t / 24), np.cos(2 * np.pi * t / 24), ((t // 24) % 7 >= 5) - 2 / 7], 1).astype("float32")


def window(i):
    return np.concatenate([z[i - LAG:i], cal[i]])


X = torch.from_numpy(np.stack([window(i) for i in range(LAG, len(t))]))
Y = torch.from_numpy(z[LAG:])
start = n0 - LAG

net = nn.Sequential(nn.Linear(LAG + 3, 32), nn.Softplus(), nn.Linear(32, 1))
opt = torch.optim.Adam(net.parameters(), lr=2e-3)


def learn(index, epochs):
    net.train()
    for _ in range(epochs):
        s, n = 0.0, 0
        for idx in index[torch.randperm(len(index))].split(64):
            loss = (net(X[idx]).squeeze(-1) - Y[idx]).square().mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            s, n = s + loss.item() * len(idx), n + len(idx)
    return s / n


def judge(lo, hi):
    net.eval()
    with torch.no_grad():
        return (net(X[lo:hi]).squeeze(-1) - Y[lo:hi]).square().mean().item()


for e in range(12):
    tr = learn(torch.arange(start - 2 * WEEK), 1)
    print(f"warm-up {e}: train {tr:.4f} hold-out {judge(start - 2 * WEEK, start):.4f}")
for g in opt.param_groups:
    g["lr"] = 7e-4
scores = []
for w in range(8):
    lo, hi = start + w * WEEK, start + (w + 1) * WEEK
    scores.append(judge(lo, hi))
    naive = (Y[lo - 24:hi - 24] - Y[lo:hi]).square().mean().item()
    tr = learn(torch.cat([torch.arange(lo, hi), torch.randperm(lo)[:4 * WEEK]]), 2)
    print(f"week {w}: before learning {scores[-1]:.4f} (naive {naive:.4f}), refresh loss {tr:.4f}")
print("mean prequential mse", sum(scores) / len(scores), "rmse in MW", math.sqrt(sum(scores) / len(scores)) * sd)
