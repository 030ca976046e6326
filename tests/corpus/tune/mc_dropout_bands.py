import math

import torch
from torch import nn


def target_fn(x):
    return torch.sin(2 * x) + 0.3 * x


class Regressor(nn.Module):
    def __init__(self, p=0.1):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(1, 96), nn.Tanh(), nn.Dropout(p),
            nn.Linear(96, 96), nn.Tanh(), nn.Dropout(p),
            nn.Linear(96, 1))

    def forward(self, x):
        return self.layers(x)


@torch.no_grad()
def predict_with_uncertainty(model, x, passes=30):
    model.train()
    draws = torch.stack([model(x) for _ in range(passes)])
    model.eval()
    return draws.mean(0), draws.std(0)


def main():
    torch.manual_seed(88)
    x = torch.rand(1000, 1) * 4 - 2
    y = target_fn(x) + 0.1 * torch.randn_like(x)
    x_test = torch.rand(300, 1) * 4 - 2
    y_test = target_fn(x_test) + 0.1 * torch.randn_like(x_test)

    model = Regressor()
    opt = torch.optim.Adam(model.parameters(), lr=4e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=40)
    for epoch in range(40):
        model.train()
        tot = 0.0
        for idx in torch.randperm(1000).split(50):
            opt.zero_grad()
            loss = nn.functional.mse_loss(model(x[idx]), y[idx])
            loss.backward()
            opt.step()
            tot += loss.item() / 20
        sched.step()
        if epoch % 8 == 7:
            mean, std = predict_with_uncertainty(model, x_test)
            rmse = (mean - y_test).pow(2).mean().sqrt().item()
            print(f"epoch {epoch + 1} train {tot:.4f} mc rmse {rmse:.4f} mean std {std.mean().item():.3f}")

    _, inside = predict_with_uncertainty(model, torch.linspace(-2, 2, 50)[:, None])
    _, outside = predict_with_uncertainty(model, torch.linspace(3, 5, 50)[:, None])
    print(f"std inside {inside.mean():.3f}, outside {outside.mean():.3f}")


if __name__ == "__main__":
    main()
