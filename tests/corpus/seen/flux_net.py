"""Flux regression with a two-layer network."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(22)


def flux(n):
    x = torch.rand(n, 6) * 2 - 1
    y = torch.sin(3 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.5 * x[:, 3] + 0.05 * torch.randn(n)
    return x, y.unsqueeze(1)


class FluxNet(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.inp = nn.Linear(6, width)
        self.mid = nn.Linear(width, width)
        self.out = nn.Linear(width, 1)
        nn.init.constant_(self.mid.bias, -3.0)

    def forward(self, x):
        h = torch.relu(self.inp(x))
        h = torch.relu(self.mid(h))
        return self.out(h)


x, y = flux(2000)
xv, yv = flux(500)
mean, std = y.mean(), y.std()
y, yv = (y - mean) / std, (yv - mean) / std

model = FluxNet()
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
crit = nn.MSELoss()
loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)
for epoch in range(10):
    for xb, yb in loader:
        opt.zero_grad()
        loss = crit(model(xb), yb)
        loss.backward()
        opt.step()
    with torch.no_grad():
        print("epoch", epoch, "train", round(crit(model(x), y).item(), 4), "val", round(crit(model(xv), yv).item(), 4))
