"""Which arm of the double spiral does a point belong to? Three arms, two coordinates."""
import math

import torch
from torch import nn

torch.manual_seed(6)


def spirals(n, arms=3, noise=0.08):
    y = torch.randint(0, arms, (n,))
    r = torch.rand(n).sqrt() * 2
    angle = 2.2 * r + 2 * math.pi * y / arms
    xy = torch.stack([r * angle.cos(), r * angle.sin()], 1)
    return xy + noise * torch.randn(n, 2), y


class Stack(nn.Module):
    """Fully connected network of any depth."""

    def __init__(self, sizes, activation=nn.Tanh):
        super().__init__()
        self.activation = activation()
        self.layers = nn.Sequential(*[nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])])

    def forward(self, x):
        return self.layers(x)


x_train, y_train = spirals(2000)
x_val, y_val = spirals(600)
model = Stack([2, 64, 64, 3])
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(30):
    model.train()
    running = 0.0
    for idx in torch.randperm(len(x_train)).split(64):
        loss = criterion(model(x_train[idx]), y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running += loss.item() * len(idx)
    model.eval()
    with torch.no_grad():
        out = model(x_val)
        val = criterion(out, y_val).item()
        acc = (out.argmax(1) == y_val).float().mean().item()
    if epoch % 5 == 4:
        print(f"{epoch + 1:3d}  train {running / len(x_train):.4f}  val {val:.4f}  acc {acc:.3f}")
