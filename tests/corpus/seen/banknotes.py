# Genuine or forged? Logistic-style net on four wavelet statistics (simulated)
import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(71)
torch.manual_seed(71)

def notes(n):
    forged = rng.integers(0, 2, n)
    a = rng.normal(0, 1, (n, 4)) @ np.array([[1, .3, -.2, 0], [0, 1, .4, .1], [0, 0, 1, -.3], [0, 0, 0, 1]])
    a[:, 0] += 1.3 * (2 * forged - 1)
    a[:, 1] += 0.9 * (2 * forged - 1)
    a[:, 2] -= 0.7 * (2 * forged - 1) * np.sign(a[:, 3])
    return a.astype("float32"), forged.astype("float32")

xa, ya = notes(1500)
xb, yb = notes(500)
m, s = xa.mean(0), xa.std(0)
xa, xb = torch.tensor((xa - m) / s), torch.tensor((xb - m) / s)
ya, yb = torch.tensor(ya), torch.tensor(yb)

net = nn.Sequential(nn.Linear(4, 24), nn.Tanh(), nn.Linear(24, 1), nn.Flatten(0))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
bce = nn.BCEWithLogitsLoss()

def evaluate():
    net.eval()
    with torch.no_grad():
        z = net(xb)
        return bce(z, yb).item(), ((z > 0) == (yb > .5)).float().mean().item()

print("before training: loss %.3f acc %.3f" % evaluate())
for epoch in range(12):
    for i in torch.randperm(len(xa)).split(50):
        opt.zero_grad()
        loss = bce(net(xa[i]), ya[i])
        loss.backward()
        opt.step()
    if epoch % 3 == 2:
        print("epoch %d: loss %.3f acc %.3f" % (epoch + 1, *evaluate()))
