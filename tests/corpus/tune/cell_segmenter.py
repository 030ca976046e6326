"""Cell segmentation on synthetic microscopy tiles: BCE plus soft Dice."""
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset


@dataclass
class Cfg:
    size: int = 16
    train: int = 500
    val: int = 200
    lr: float = 4e-3
    epochs: int = 6
    seed: int = 33


class Tiles(Dataset):
    def __init__(self, n, size, seed):
        g = torch.Generator().manual_seed(seed)
        ax = torch.arange(float(size))
        yy, xx = torch.meshgrid(ax, ax, indexing="ij")
        self.masks = torch.zeros(n, 1, size, size)
        for _ in range(2):
            c = 3 + (size - 6) * torch.rand(n, 2, 1, 1, generator=g)
            r = 2 + 1.5 * torch.rand(n, 1, 1, generator=g)
            disc = ((yy - c[:, 0]) ** 2 + (xx - c[:, 1]) ** 2 < r ** 2).float()
            self.masks[:, 0] = torch.maximum(self.masks[:, 0], disc)
        self.tiles = self.masks + 0.5 * torch.randn(self.masks.shape, generator=g) - 0.2

    def __len__(self):
        return len(self.tiles)

    def __getitem__(self, i):
        return self.tiles[i], self.masks[i]


class Segmenter(nn.Module):
    def __init__(self, ch=8):
        super().__init__()
        self.a = nn.Conv2d(1, ch, 3, padding=1)
        self.b = nn.Conv2d(ch, 2 * ch, 3, padding=1, stride=2)
        self.c = nn.Conv2d(2 * ch, ch, 3, padding=1)
        self.d = nn.Conv2d(2 * ch, 1, 3, padding=1)

    def forward(self, x):
        a = F.relu(self.a(x))
        b = F.relu(self.b(a))
        c = F.interpolate(F.relu(self.c(b)), scale_factor=2, mode="nearest")
        return self.d(torch.cat([a, c], 1))


def criterion(logits, mask):
    p = torch.sigmoid(logits)
    overlap = 2 * (p * mask).sum((1, 2, 3)) + 1
    dice = 1 - overlap / (p.sum((1, 2, 3)) + mask.sum((1, 2, 3)) + 1)
    return F.binary_cross_entropy_with_logits(logits, mask) + dice.mean()


def main(cfg=Cfg()):
    torch.manual_seed(cfg.seed)
    train = DataLoader(Tiles(cfg.train, cfg.size, 1), batch_size=25, shuffle=True)
    val = DataLoader(Tiles(cfg.val, cfg.size, 2), batch_size=100)
    net = Segmenter()
    opt = torch.optim.Adam(net.parameters(), lr=cfg.lr)
    for epoch in range(cfg.epochs):
        net.train()
        for x, m in train:
            opt.zero_grad()
            loss = criterion(net(x), m)
            loss.backward()
            opt.step()
        net.eval()
        vl, inter, union = 0.0, 0.0, 0.0
        with torch.no_grad():
            for x, m in val:
                z = net(x)
                vl += criterion(z, m).item() / len(val)
                hit = z > 0
                inter += (hit & (m > 0)).sum().item()
                union += (hit | (m > 0)).sum().item()
        print(f"epoch {epoch} val loss {vl:.3f} IoU {inter / union:.3f}")


if __name__ == "__main__":
    main()
