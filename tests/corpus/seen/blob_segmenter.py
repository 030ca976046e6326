"""Foreground segmentation of synthetic microscopy tiles with a two-level encoder-decoder."""
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset, DataLoader


@dataclass
class Config:
    n_train: int = 240
    n_valid: int = 60
    side: int = 24
    epochs: int = 6
    batch: int = 16
    lr: float = 1e-3
    seed: int = 3


def draw_tile(rng, side):
    yy, xx = np.mgrid[:side, :side]
    mask = np.zeros((side, side), np.uint8)
    for _ in range(rng.integers(1, 4)):
        cy, cx, r = rng.integers(4, side - 4, 2).tolist() + [rng.integers(2, 6)]
        mask[(yy - cy) ** 2 + (xx - cx) ** 2 <= r * r] = 255
    img = 0.25 + 0.5 * (mask > 0) + rng.normal(0, 0.12, mask.shape)
    return (img.clip(0, 1) * 255).astype(np.uint8), mask


class Tiles(Dataset):
    def __init__(self, n, side, seed):
        rng = np.random.default_rng(seed)
        self.pairs = [draw_tile(rng, side) for _ in range(n)]

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, i):
        img, mask = self.pairs[i]
        img = torch.from_numpy(img)[None].float() / 255.0
        mask = torch.from_numpy(mask)[None].float()
        return (img - 0.4) / 0.25, mask


class MiniUNet(nn.Module):
    def __init__(self, w=12):
        super().__init__()
        self.down1 = nn.Sequential(nn.Conv2d(1, w, 3, padding=1), nn.ReLU())
        self.down2 = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(w, 2 * w, 3, padding=1), nn.ReLU())
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.mix = nn.Sequential(nn.Conv2d(3 * w, w, 3, padding=1), nn.ReLU())
        self.out = nn.Conv2d(w, 1, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.up(self.down2(a))
        return self.out(self.mix(torch.cat([a, b], 1)))


def iou(logits, mask):
    p, m = logits > 0, mask > 0
    return (p & m).sum().item() / max((p | m).sum().item(), 1)


cfg = Config()
torch.manual_seed(cfg.seed)
train = DataLoader(Tiles(cfg.n_train, cfg.side, 1), cfg.batch, shuffle=True)
valid = DataLoader(Tiles(cfg.n_valid, cfg.side, 2), cfg.batch)
net = MiniUNet()
opt = torch.optim.Adam(net.parameters(), lr=cfg.lr)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(cfg.epochs):
    net.train()
    for img, mask in train:
        opt.zero_grad(set_to_none=True)
        loss = criterion(net(img), mask)
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        score = np.mean([iou(net(i), m) for i, m in valid])
    print(f"[{epoch + 1}/{cfg.epochs}] IoU {score:.3f}")
