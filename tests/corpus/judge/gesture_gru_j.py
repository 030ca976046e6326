"""Gesture recognition from simulated accelerometer traces."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split

SHAPES = 5


def traces(n, steps=40):
    y = torch.arange(n) % SHAPES
    t = torch.linspace(0, 1, steps)[None]
    phase = 2 * math.pi * torch.rand(n, 1)
    speed = 1 + 0.3 * torch.randn(n, 1)
    freq = torch.tensor([1.0, 2.0, 3.0, 1.0, 2.0])[y][:, None]
    lag = torch.tensor([0.5, 0.5, 0.5, 0.0, 1.0])[y][:, None] * math.pi
    ax = torch.sin(2 * math.pi * freq * speed * t + phase)
    ay = torch.sin(2 * math.pi * freq * speed * t + phase + lag)
    az = 0.3 * torch.cumsum(torch.randn(n, steps) * 0.2, dim=1)
    x = torch.stack([ax, ay, az], dim=2) + 0.4 * torch.randn(n, steps, 3)
    return x, y


class GestureNet(nn.Module):
    def __init__(self, hidden=48, p_drop=0.4):
        super().__init__()
        self.p_drop = p_drop
        self.gru = nn.GRU(3, hidden, batch_first=True)
        self.fc1 = nn.Linear(hidden, 32)
        self.fc2 = nn.Linear(32, SHAPES)

    def forward(self, x):
        _, h = self.gru(x)
        z = F.dropout(h[-1], self.p_drop)
        z = F.relu(self.fc1(z))
        return self.fc2(z)


def epoch_pass(net, loader, opt=None):
    net.train(opt is not None)
    loss_sum = right = n = 0
    with torch.set_grad_enabled(opt is not None):
        for x, y in loader:
            out = net(x)
            loss = F.cross_entropy(out, y)
            if opt is not None:
                opt.zero_grad()
                loss.backward()
                opt.step()
            loss_sum += loss.item() * len(y)
            right += (out.argmax(1) == y).sum().item()
            n += len(y)
    return loss_sum / n, right / n


if __name__ == "__main__":
    torch.manual_seed(33)
    data = TensorDataset(*traces(2000))
    train, val = random_split(data, [1500, 500])
    train_loader = DataLoader(train, batch_size=50, shuffle=True)
    val_loader = DataLoader(val, batch_size=250)
    net = GestureNet()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(8):
        tl, ta = epoch_pass(net, train_loader, opt)
        vl, va = epoch_pass(net, val_loader)
        print(f"{epoch:2d}  train {tl:.3f} {ta:.3f}   val {vl:.3f} {va:.3f}")
