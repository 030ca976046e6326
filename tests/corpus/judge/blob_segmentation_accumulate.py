"""Segment bright cells on noisy microscope-like tiles. Small batches, several per update."""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def tiles(n, seed, size=24):
    g = torch.Generator().manual_seed(seed)
    yy, xx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    img = torch.zeros(n, size, size)
    mask = torch.zeros(n, size, size)
    for _ in range(3):
        c = torch.rand(n, 2, generator=g) * size
        r = 2.5 + 3 * torch.rand(n, generator=g)
        d = ((yy - c[:, 0, None, None]) ** 2 + (xx - c[:, 1, None, None]) ** 2).sqrt()
        inside = (d < r[:, None, None]).float()
        img = torch.maximum(img, inside * (0.6 + 0.4 * torch.rand(n, 1, 1, generator=g)))
        mask = torch.maximum(mask, inside)
    img = img + 0.35 * torch.randn(img.shape, generator=g)
    return TensorDataset(((img - 0.25) / 0.5)[:, None], mask[:, None])


class SmallUNet(nn.Module):
    def __init__(self, c=8):
        super().__init__()
        self.enc1 = self.block(1, c)
        self.enc2 = self.block(c, 2 * c)
        self.dec = self.block(3 * c, c)
        self.out = nn.Conv2d(c, 1, 1)

    @staticmethod
    def block(a, b):
        return nn.Sequential(nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU(),
                             nn.Conv2d(b, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU())

    def forward(self, x):
        e1 = self.enc1(x)
        e2 = self.enc2(F.max_pool2d(e1, 2))
        up = F.interpolate(e2, scale_factor=2, mode="nearest")
        return self.out(self.dec(torch.cat([up, e1], dim=1)))


def dice(logits, target):
    p = (logits > 0).float()
    return (2 * (p * target).sum() / (p.sum() + target.sum() + 1e-6)).item()


def train(args):
    torch.manual_seed(args.seed)
    train_loader = DataLoader(tiles(384, 1), batch_size=8, shuffle=True)
    val_loader = DataLoader(tiles(128, 2), batch_size=64)
    net = SmallUNet()
    opt = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=0.9)
    for epoch in range(args.epochs):
        net.train()
        opt.zero_grad()
        running = 0.0
        for i, (x, m) in enumerate(train_loader, start=1):
            loss = F.binary_cross_entropy_with_logits(net(x), m)
            loss.backward()
            running += loss.item()
            if i % args.accumulate == 0:
                opt.step()
                opt.zero_grad()
        net.eval()
        with torch.no_grad():
            res = [(F.binary_cross_entropy_with_logits(net(x), m).item(), dice(net(x), m)) for x, m in val_loader]
        vl, vd = (sum(v) / len(res) for v in zip(*res))
        print(f"epoch {epoch + 1} train {running / i:.4f} val {vl:.4f} dice {vd:.3f}")


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--lr", type=float, default=0.03)
    ap.add_argument("--epochs", type=int, default=6)
    ap.add_argument("--accumulate", type=int, default=4)
    ap.add_argument("--seed", type=int, default=2)
    train(ap.parse_args())
