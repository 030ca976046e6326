"""Physics-informed net for u_t = a u_xx on the unit square: derivatives with respect to the inputs enter the loss."""
import math
import torch
from torch import nn

A = 0.1


def exact(x, t):
    return torch.exp(-A * math.pi ** 2 * t) * torch.sin(math.pi * x)


class Field(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))

    def forward(self, x, t):
        return self.net(torch.cat([2 * x - 1, 2 * t - 1], 1))


def residual(u, x, t):
    x, t = x.requires_grad_(True), t.requires_grad_(True)
    v = u(x, t)
    grad = lambda out, inp: torch.autograd.grad(out.sum(), inp, create_graph=True)[0]
    return grad(v, t) - A * grad(grad(v, x), x)


def main():
    torch.manual_seed(68)
    u = Field()
    opt = torch.optim.Adam(u.parameters(), lr=4e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=600)
    for it in range(1, 601):
        x, t = torch.rand(128, 1), torch.rand(128, 1)
        xb, tb, side = torch.rand(48, 1), torch.rand(48, 1), torch.randint(0, 2, (48, 1)).float()
        pde = residual(u, x, t).pow(2).mean()
        start = (u(xb, torch.zeros_like(xb)) - torch.sin(math.pi * xb)).pow(2).mean()
        walls = u(side, tb).pow(2).mean()
        loss = pde + 5 * start + 5 * walls
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        if it % 100 == 0:
            g = torch.rand(1000, 2)
            with torch.no_grad():
                err = (u(g[:, :1], g[:, 1:]) - exact(g[:, :1], g[:, 1:])).abs().mean().item()
            print(f"{it:4d} pde {pde.item():.5f} start {start.item():.5f} walls {walls.item():.5f} error {err:.4f}")


main()
