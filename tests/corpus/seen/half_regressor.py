# Friedman-1 style regression, mixed precision to keep memory low on the small box
import numpy as np
import torch
from torch import nn


def friedman(n, seed):
    r = np.random.RandomState(seed)
    x = r.uniform(size=(n, 8))
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4] + r.normal(size=n)
    return torch.tensor(2 * x - 1, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)[:, None]


def main():
    torch.manual_seed(29)
    xt, yt = friedman(2500, 0)
    xv, yv = friedman(600, 1)
    m, s = yt.mean(), yt.std()
    yt, yv = (yt - m) / s, (yv - m) / s
    net = nn.Sequential(nn.Linear(8, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 1))
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(12):
        net.train()
        tot = 0.0
        for ids in torch.randperm(len(xt)).split(64):
            opt.zero_grad()
            with torch.autocast(device_type="cpu", dtype=torch.half):
                pred = net(xt[ids])
                loss = nn.functional.mse_loss(pred.float(), yt[ids])
            loss.backward()
            opt.step()
            tot += loss.item() * len(ids)
        net.eval()
        with torch.no_grad():
            v = nn.functional.mse_loss(net(xv), yv).item()
        print(f"{epoch:2d} mse train {tot / len(xt):.4f} valid {v:.4f} R2 {1 - v / yv.var().item():.3f}")


if __name__ == "__main__":
    main()
