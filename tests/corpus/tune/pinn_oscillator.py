"""Physics-informed network for a damped oscillator u'' + 2 d u' + w^2 u = 0 with u(0)=1, u'(0)=0.
Adam first, L-BFGS to finish."""
import math

import torch
from torch import nn

torch.manual_seed(3)
DAMP, OMEGA, END = 0.3, 2.0, 3.0


def exact(t):
    w = math.sqrt(OMEGA ** 2 - DAMP ** 2)
    return torch.exp(-DAMP * t) * (torch.cos(w * t) + DAMP / w * torch.sin(w * t))


class Solution(nn.Module):
    """u(t) = 1 + t^2 N(t), so that the initial conditions hold exactly."""

    def __init__(self, width=32):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))

    def forward(self, t):
        return 1 + t ** 2 * self.net(t)


def residual_loss(u_fn, t):
    t = t.requires_grad_(True)
    u = u_fn(t)
    du, = torch.autograd.grad(u.sum(), t, create_graph=True)
    ddu, = torch.autograd.grad(du.sum(), t, create_graph=True)
    return ((ddu + 2 * DAMP * du + OMEGA ** 2 * u) ** 2).mean() / OMEGA ** 2


def relative_error(u_fn):
    t = torch.linspace(0, END, 200)[:, None]
    with torch.no_grad():
        return ((u_fn(t) - exact(t)).norm() / exact(t).norm()).item()


u = Solution()
adam = torch.optim.Adam(u.parameters(), lr=3e-3)
for step in range(1, 801):
    loss = residual_loss(u, END * torch.rand(96, 1))
    adam.zero_grad()
    loss.backward()
    adam.step()
    if step % 200 == 0:
        print(f"adam {step}: residual {loss.item():.4f}, relative error {relative_error(u):.4f}")

grid = torch.linspace(0, END, 128)[:, None]
lbfgs = torch.optim.LBFGS(u.parameters(), lr=1.0, max_iter=15, history_size=20, line_search_fn="strong_wolfe")


def closure():
    lbfgs.zero_grad()
    value = residual_loss(u, grid.clone())
    value.backward()
    return value


for round_ in range(1, 11):
    value = lbfgs.step(closure)
    print(f"lbfgs {round_}: residual {value.item():.6f}, relative error {relative_error(u):.5f}")
