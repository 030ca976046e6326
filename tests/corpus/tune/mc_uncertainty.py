"""Regression with predictive uncertainty from Monte Carlo dropout."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)


def sample(n):
    x = torch.rand(n, 4) * 4 - 2
    y = torch.sin(1.5 * x[:, 0]) + 0.5 * x[:, 1] * x[:, 2] + 0.2 * x[:, 3] + 0.15 * torch.randn(n)
    return x, y.unsqueeze(1)


class DropoutNet(nn.Module):
    def __init__(self, p=0.1):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 96), nn.ReLU(), nn.Dropout(p), nn.Linear(96, 96), nn.ReLU(), nn.Dropout(p), nn.Linear(96, 1))

    def forward(self, x):
        return self.net(x)

    @torch.no_grad()
    def predict_mc(self, x, passes=20):
        self.train()
        draws = torch.stack([self(x) for _ in range(passes)])
        return draws.mean(0), draws.std(0)


x_tr, y_tr = sample(2400)
x_va, y_va = sample(600)
m, s = y_tr.mean(), y_tr.std()
train = DataLoader(TensorDataset(x_tr, (y_tr - m) / s), batch_size=64, shuffle=True)
val = DataLoader(TensorDataset(x_va, (y_va - m) / s), batch_size=200)
net = DropoutNet()
opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-3)
mse = nn.MSELoss()
for epoch in range(12):
    net.train()
    total = 0.0
    for x, y in train:
        opt.zero_grad()
        loss = mse(net(x), y)
        loss.backward()
        opt.step()
        total += loss.item()
    err, width, inside = 0.0, 0.0, 0.0
    for x, y in val:
        mean, std = net.predict_mc(x)
        err += mse(mean, y).item() / len(val)
        width += std.mean().item() / len(val)
        inside += ((mean - y).abs() < 2 * std).float().mean().item() / len(val)
    print(f"epoch {epoch:2d} train {total / len(train):.4f} val {err:.4f} std {width:.3f} inside {inside:.2f}")
