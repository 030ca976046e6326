"""Denoising CNN for 1-D signals, trained in micro-batches to fit into memory."""
import math

import torch
from torch import nn

torch.manual_seed(77)


def signals(n, seed, length=64):
    g = torch.Generator().manual_seed(seed)
    t = torch.linspace(0, 1, length)
    freq = 1 + 4 * torch.rand(n, 2, 1, generator=g)
    phase = 2 * math.pi * torch.rand(n, 2, 1, generator=g)
    clean = torch.sin(2 * math.pi * freq * t + phase).mean(1, keepdim=True)
    return clean + 0.4 * torch.randn(n, 1, length, generator=g), clean


class Denoiser(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.inp = nn.Conv1d(1, width, 9, padding=4)
        self.mid = nn.Conv1d(width, width, 9, padding=4)
        self.out = nn.Conv1d(width, 1, 9, padding=4)
        self.act = nn.ELU()

    def forward(self, x):
        h = self.act(self.inp(x))
        return self.out(h + self.act(self.mid(h)))


def micro_batches(x, y, size):
    yield from zip(x.split(size), y.split(size))


def train_on_batch(model, optimizer, criterion, x, y, micro=8):
    optimizer.zero_grad()
    losses = []
    for xm, ym in micro_batches(x, y, micro):
        loss = criterion(model(xm), ym)
        loss.backward()
        losses.append(loss.item())
    optimizer.step()
    return sum(losses) / len(losses)


def main(epochs=7, batch=64):
    x, y = signals(1024, 1)
    xv, yv = signals(320, 2)
    model, criterion = Denoiser(), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.006, momentum=0.9)
    for epoch in range(epochs):
        model.train()
        order = torch.randperm(len(x))
        losses = [train_on_batch(model, optimizer, criterion, x[i], y[i]) for i in order.split(batch)]
        model.eval()
        with torch.no_grad():
            val = criterion(model(xv), yv).item()
        print(f"epoch {epoch + 1:2d} train {sum(losses) / len(losses):.4f} val {val:.4f} (noise 0.16)")


main()
