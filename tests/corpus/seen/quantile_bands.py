"""Quantile regression: one output per quantile, the target broadcasts against them on purpose."""
import torch
from torch import nn

QUANTILES = torch.tensor([0.1, 0.5, 0.9])


def pinball(pred, target):
    diff = target[:, None] - pred
    return torch.maximum(QUANTILES * diff, (QUANTILES - 1) * diff).mean()


def crossing_penalty(pred):
    d = pred[:, :, None] - pred[:, None, :]
    return torch.relu(torch.triu(d, 1)).mean()


def sample(n, gen):
    x = torch.rand(n, 2, generator=gen) * 2 - 1
    y = torch.sin(3 * x[:, 0]) + (0.1 + 0.3 * (x[:, 1] + 1)) * torch.randn(n, generator=gen)
    return x, y


def main():
    torch.manual_seed(45)
    gen = torch.Generator().manual_seed(45)
    x, y = sample(2500, gen)
    xv, yv = sample(800, gen)
    net = nn.Sequential(nn.Linear(2, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 3))
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    for epoch in range(14):
        net.train()
        for ids in torch.randperm(len(x)).split(64):
            q = net(x[ids])
            loss = pinball(q, y[ids]) + 0.1 * crossing_penalty(q)
            opt.zero_grad()
            loss.backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            q = net(xv)
            cover = ((yv > q[:, 0]) & (yv < q[:, 2])).float().mean().item()
        if epoch % 2:
            print(f"epoch {epoch + 1:2d} pinball {pinball(q, yv).item():.4f} coverage of the 80 % band {cover:.3f}")


main()
