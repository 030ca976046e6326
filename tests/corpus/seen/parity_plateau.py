"""Parity of three hidden bits among sixteen: nothing happens for a while, then the loss drops."""
import torch
from torch import nn

torch.manual_seed(64)


def draw(n):
    x = torch.randint(0, 2, (n, 16)).float() * 2 - 1
    return x, (x[:, 2] * x[:, 7] * x[:, 11] > 0).float()


x, y = draw(4000)
xv, yv = draw(1000)
fresh = ~(xv[:, None] == x[None]).all(-1).any(1)
xv, yv = xv[fresh], yv[fresh]
net = nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 1), nn.Flatten(0))
opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05)
bce = nn.BCEWithLogitsLoss()
for epoch in range(20):
    net.train()
    s = 0.0
    for ids in torch.randperm(len(x)).split(50):
        opt.zero_grad()
        loss = bce(net(x[ids]), y[ids])
        loss.backward()
        opt.step()
        s += loss.item()
    net.eval()
    with torch.no_grad():
        z = net(xv)
    print(f"epoch {epoch:2d} train {s / 80:.4f} valid {bce(z, yv).item():.4f} acc {((z > 0) == (yv > 0)).float().mean().item():.3f}")
