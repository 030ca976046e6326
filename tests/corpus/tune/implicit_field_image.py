"""Fits a coordinate network (Fourier features) to an image and tracks a smoothed loss."""
import argparse
import math

import torch
import torch.nn as nn
from sklearn.datasets import load_digits


class FourierFeatures(nn.Module):
    def __init__(self, n, scale):
        super().__init__()
        self.register_buffer("b", scale * torch.randn(2, n))

    def forward(self, xy):
        angle = 2 * math.pi * xy @ self.b
        return torch.cat([angle.sin(), angle.cos()], -1)


class SmoothedValue:
    """Bias-corrected exponential average of a series of values."""

    def __init__(self, beta=0.98):
        self.beta, self.value, self.steps = beta, 0.0, 0

    def update(self, x):
        self.value = self.beta * self.value + (1 - self.beta) * x
        self.steps += 1

    @property
    def average(self):
        return self.value / (1 - self.beta ** self.steps)


def mosaic(rows=4):
    images = torch.tensor(load_digits().images[:rows * rows] / 16.0, dtype=torch.float32)
    return images.view(rows, rows, 8, 8).permute(0, 2, 1, 3).reshape(rows * 8, rows * 8)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--steps", type=int, default=600)
    p.add_argument("--lr", type=float, default=3e-3)
    p.add_argument("--batch", type=int, default=256)
    args = p.parse_args()
    torch.manual_seed(1)
    image = nn.functional.interpolate(mosaic()[None, None], scale_factor=3, mode="bicubic")[0, 0].clamp(0, 1)
    h, w = image.shape
    ys, xs = torch.meshgrid(torch.linspace(0, 1, h), torch.linspace(0, 1, w), indexing="ij")
    coords, values = torch.stack([xs, ys], -1).view(-1, 2), image.view(-1, 1)
    shuffled = torch.randperm(len(coords))
    held_out, train = shuffled[:1500], shuffled[1500:]

    model = nn.Sequential(FourierFeatures(48, 3.0), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(),
                          nn.Linear(96, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.steps)
    smoothed = SmoothedValue()
    for step in range(1, args.steps + 1):
        idx = train[torch.randint(0, len(train), (args.batch,))]
        loss = ((model(coords[idx]) - values[idx]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        smoothed.update(loss)
        if step % 100 == 0:
            with torch.no_grad():
                val = ((model(coords[held_out]) - values[held_out]) ** 2).mean()
            print(f"step {step:5d}  smoothed {smoothed.average.item():.5f}  held-out {val.item():.5f}  "
                  f"psnr {-10 * math.log10(val.item()):.2f}")


if __name__ == "__main__":
    main()
