"""Fit the period of a pendulum with a small net and L-BFGS (full batch)."""
import math
import torch
import torch.nn as nn

torch.manual_seed(30)


def period(theta, length):
    # series for large amplitudes
    k = torch.sin(theta / 2) ** 2
    return 2 * math.pi * torch.sqrt(length / 9.81) * (1 + k / 4 + 9 * k**2 / 64 + 25 * k**3 / 256)


def sample(n):
    theta = 0.1 + 2.2 * torch.rand(n, 1)
    length = 0.2 + 1.8 * torch.rand(n, 1)
    t = period(theta, length) + 0.01 * torch.randn(n, 1)
    return torch.cat([(theta - 1.2) / 0.64, (length - 1.1) / 0.52], dim=1), t


x, t = sample(500)
x_val, t_val = sample(200)
mean, std = t.mean(), t.std()
t, t_val = (t - mean) / std, (t_val - mean) / std

net = nn.Sequential(nn.Linear(2, 20), nn.Tanh(), nn.Linear(20, 1))
loss_fn = nn.MSELoss()
optimizer = torch.optim.LBFGS(net.parameters(), lr=0.5, max_iter=10, history_size=10)


def closure():
    optimizer.zero_grad()
    loss = loss_fn(net(x), t)
    loss.backward()
    return loss


for it in range(12):
    loss = optimizer.step(closure)
    with torch.no_grad():
        val = loss_fn(net(x_val), t_val).item()
    print(f"outer step {it + 1:2d}: train {loss.item():.5f}  val {val:.5f}")
