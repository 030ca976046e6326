import copy
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset


@dataclass
class Config:
    epochs: int = 8
    batch: int = 64
    lr: float = 2e-3
    tau0: float = 0.9
    seed: int = 11


class TwoViews(Dataset):
    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def _view(self, img):
        s = torch.randint(-1, 2, (2,)).tolist()
        img = torch.roll(img, shifts=s, dims=(1, 2))
        if torch.rand(()) < 0.5:
            r, c = torch.randint(0, 6, (2,)).tolist()
            img = img.clone()
            img[:, r:r + 2, c:c + 2] = 0
        return img + 0.05 * torch.randn_like(img)

    def __getitem__(self, i):
        return self._view(self.images[i]), self._view(self.images[i])


def mlp(i, h, o):
    return nn.Sequential(nn.Linear(i, h), nn.BatchNorm1d(h), nn.ReLU(), nn.Linear(h, o))


class Branch(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten())
        self.projector = mlp(512, 128, 32)

    def forward(self, x):
        return self.projector(self.backbone(x))


def regression_loss(p, z):
    return 2 - 2 * F.cosine_similarity(p, z, dim=-1).mean()


@torch.no_grad()
def ema(target, online, tau):
    for a, b in zip(target.parameters(), online.parameters()):
        a.mul_(tau).add_(b, alpha=1 - tau)
    for a, b in zip(target.buffers(), online.buffers()):
        a.copy_(b)


@torch.no_grad()
def matching(online, va, vb):
    """share of held-out images whose other view is the nearest of all held-out other views"""
    was = online.training
    online.eval()
    a, b = F.normalize(online(va), dim=1), F.normalize(online(vb), dim=1)
    hit = ((a @ b.t()).argmax(1) == torch.arange(len(a))).float().mean().item()
    online.train(was)
    return hit


def main(cfg=Config()):
    torch.manual_seed(cfg.seed)
    np.random.seed(cfg.seed)
    d = load_digits()
    x = torch.tensor(d.images, dtype=torch.float32).unsqueeze(1) / 16
    idx = np.random.permutation(len(x))
    tr, te = idx[:1300], idx[1300:]
    loader = DataLoader(TwoViews(x[tr]), batch_size=cfg.batch, shuffle=True, drop_last=True)
    online, predictor = Branch(), mlp(32, 64, 32)
    target = copy.deepcopy(online).requires_grad_(False)
    opt = torch.optim.Adam([{"params": online.parameters()}, {"params": predictor.parameters(), "lr": 2 * cfg.lr}], lr=cfg.lr)
    step, total = 0, cfg.epochs * len(loader)
    held = TwoViews(x[te])
    va, vb = (torch.stack(v) for v in zip(*[held[i] for i in range(len(held))]))
    print("matching before", matching(online, va, vb), "chance", 1 / len(te))
    for epoch in range(cfg.epochs):
        run = 0.0
        for a, b in loader:
            pa, pb = predictor(online(a)), predictor(online(b))
            with torch.no_grad():
                ta, tb = target(a), target(b)
            loss = 0.5 * (regression_loss(pa, tb) + regression_loss(pb, ta))
            opt.zero_grad()
            loss.backward()
            opt.step()
            tau = 1 - (1 - cfg.tau0) * (math.cos(math.pi * step / total) + 1) / 2
            ema(target, online, tau)
            step += 1
            run += loss.item()
        print(f"epoch {epoch} byol {run / len(loader):.3f} matching {matching(online, va, vb):.3f}")


if __name__ == "__main__":
    main()
