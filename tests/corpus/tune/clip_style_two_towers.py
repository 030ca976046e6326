"""CLIP-style training of an image tower and a token tower on generated scenes."""
import math
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


@dataclass
class Cfg:
    size: int = 12
    dim: int = 32
    batch: int = 100
    epochs: int = 6
    lr: float = 2e-3
    seed: int = 19


class Scenes(Dataset):
    """Three blobs; the caption lists their cells (row, column) in random order."""

    def __init__(self, n, cfg, seed):
        g = torch.Generator().manual_seed(seed)
        cells = torch.rand(n, 36, generator=g).argsort(1)[:, :3]
        grid = torch.zeros(n, 36).scatter_(1, cells, 1.0).view(n, 1, 6, 6)
        image = F.interpolate(grid, scale_factor=2, mode="nearest")
        self.image = image + 0.15 * torch.randn(image.shape, generator=g)
        self.caption = cells

    def __len__(self):
        return len(self.image)

    def __getitem__(self, i):
        return self.image[i], self.caption[i]


class ImageTower(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(1, 32, 2, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 36, 128), nn.ReLU(),
                                 nn.Linear(128, dim))

    def forward(self, x):
        return self.net(x)


class TextTower(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.emb = nn.EmbeddingBag(36, 64, mode="sum")
        self.net = nn.Sequential(nn.LayerNorm(64), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, dim))

    def forward(self, t):
        return self.net(self.emb(t))


class TwoTowers(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.image, self.text = ImageTower(dim), TextTower(dim)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.2)))

    def forward(self, image, caption):
        a, b = F.normalize(self.image(image), dim=-1), F.normalize(self.text(caption), dim=-1)
        return self.logit_scale.clamp(max=math.log(50.0)).exp() * a @ b.T


def symmetric_loss(logits):
    target = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def evaluate(model, loader):
    model.eval()
    loss, hit, n = 0.0, 0, 0
    with torch.inference_mode():
        for image, caption in loader:
            logits = model(image, caption)
            loss += symmetric_loss(logits).item() * len(image)
            hit += (logits.argmax(1) == torch.arange(len(image))).sum().item()
            n += len(image)
    return loss / n, hit / n


if __name__ == "__main__":
    cfg = Cfg()
    torch.manual_seed(cfg.seed)
    train = DataLoader(Scenes(4000, cfg, 1), cfg.batch, shuffle=True, drop_last=True)
    val = DataLoader(Scenes(800, cfg, 2), cfg.batch)
    model = TwoTowers(cfg.dim)
    opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=1e-3)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, cfg.lr, total_steps=cfg.epochs * len(train), pct_start=0.15)
    for epoch in range(cfg.epochs):
        model.train()
        total = 0.0
        for image, caption in train:
            loss = symmetric_loss(model(image, caption))
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            total += loss.item() / len(train)
        v, r1 = evaluate(model, val)
        print(f"epoch {epoch} train {total:.4f} val {v:.4f} R@1 {r1:.3f} scale {model.logit_scale.exp().item():.1f}")
