"""Physics-informed net for a damped oscillator  u'' + 0.4 u' + 4 u = 0, u(0)=1, u'(0)=0."""
import math

import torch
import torch.nn as nn

MU, K, T_END = 0.4, 4.0, 3.0


class PINN(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))

    def forward(self, t):
        return self.net(2 * t / T_END - 1)


def derivatives(model, t):
    t = t.requires_grad_(True)
    u = model(t)
    du = torch.autograd.grad(u.sum(), t, create_graph=True)[0]
    ddu = torch.autograd.grad(du.sum(), t, create_graph=True)[0]
    return u, du, ddu


def exact(t):
    d = MU / 2
    w = math.sqrt(K - d * d)
    return torch.exp(-d * t) * (torch.cos(w * t) + d / w * torch.sin(w * t))


def main(steps=1000):
    torch.manual_seed(0)
    model = PINN()
    opt = torch.optim.Adam(model.parameters(), lr=1e-2)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=steps)
    grid = torch.linspace(0, T_END, 200).unsqueeze(1)
    for step in range(1, steps + 1):
        t = T_END * torch.rand(64, 1)
        u, du, ddu = derivatives(model, t)
        residual = (ddu + MU * du + K * u).pow(2).mean()
        u0, du0, _ = derivatives(model, torch.zeros(1, 1))
        start = (u0 - 1).pow(2).mean() + du0.pow(2).mean()
        loss = 0.05 * residual + 2.0 * start
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        if step % 200 == 0:
            with torch.no_grad():
                rmse = (model(grid) - exact(grid)).pow(2).mean().sqrt().item()
            print(f"step {step}: loss {loss.item():.5f} residual {residual.item():.5f} rmse vs exact {rmse:.4f}")


if __name__ == "__main__":
    main()
