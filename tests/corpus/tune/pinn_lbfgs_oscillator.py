"""Physics-informed network for a damped oscillator u'' + 2 d u' + w^2 u = 0, trained with L-BFGS."""
import math

import torch
import torch.nn as nn

D, W = 0.5, 3.0


def exact(t):
    wd = math.sqrt(W ** 2 - D ** 2)
    return torch.exp(-D * t) * (torch.cos(wd * t) + D / wd * torch.sin(wd * t))


class Field(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))

    def forward(self, t):
        return self.net(t - 1.0)


def derivative(u, t):
    return torch.autograd.grad(u, t, torch.ones_like(u), create_graph=True)[0]


def residual(model, t):
    t = t.requires_grad_()
    u = model(t)
    du = derivative(u, t)
    return derivative(du, t) + 2 * D * du + W ** 2 * u


def boundary(model):
    t0 = torch.zeros(1, 1, requires_grad=True)
    u0 = model(t0)
    return (u0 - 1).square().mean() + derivative(u0, t0).square().mean()


def main(outer=16):
    torch.manual_seed(70)
    model = Field()
    points = torch.rand(64, 1) * 2
    check = torch.linspace(0, 2, 101)[:, None]
    opt = torch.optim.LBFGS(model.parameters(), lr=1.0, max_iter=15, history_size=30, line_search_fn="strong_wolfe")

    def closure():
        opt.zero_grad()
        loss = 0.02 * residual(model, points.clone()).square().mean() + boundary(model)
        loss.backward()
        return loss

    for it in range(outer):
        loss = opt.step(closure)
        if it % 3 == 0 or it == outer - 1:
            with torch.no_grad():
                error = (model(check) - exact(check)).square().mean().sqrt().item()
            print(f"outer {it:2d} loss {loss.item():.2e} rms error {error:.4f}")


if __name__ == "__main__":
    main()
