"""Multi-task: species of a leaf (classes) and its area (regression) from outline coordinates."""
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset


@dataclass
class Config:
    points: int = 20
    hidden: int = 48
    batch: int = 64
    epochs: int = 11
    lr: float = 4e-3
    area_weight: float = 0.5


class Leaves(Dataset):
    def __init__(self, n, points, seed):
        g = torch.Generator().manual_seed(seed)
        angle = torch.arange(points) / points * 2 * math.pi
        self.species = torch.randint(0, 4, (n,), generator=g)
        lobes = torch.tensor([1.0, 2.0, 3.0, 5.0])[self.species].unsqueeze(1)
        size = 0.7 + 0.6 * torch.rand(n, 1, generator=g)
        r = size * (1 + 0.25 * torch.cos(lobes * angle + 2.0 * torch.rand(n, 1, generator=g)))
        r = r + 0.05 * torch.randn(r.shape, generator=g)
        self.outline = torch.cat([r * angle.cos(), r * angle.sin()], 1)
        self.area = ((size - 1.0) / 0.17).squeeze(1)

    def __len__(self):
        return len(self.species)

    def __getitem__(self, i):
        return {"outline": self.outline[i], "species": self.species[i], "area": self.area[i]}


class LeafNet(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(2 * cfg.points, cfg.hidden), nn.ReLU(), nn.Linear(cfg.hidden, cfg.hidden), nn.ReLU())
        self.species = nn.Linear(cfg.hidden, 4)
        self.area = nn.Linear(cfg.hidden, 1)

    def forward(self, x):
        h = self.trunk(x)
        return self.species(h), self.area(h).squeeze(1)


def losses(net, batch):
    s, a = net(batch["outline"])
    return F.cross_entropy(s, batch["species"]), F.mse_loss(a, batch["area"]), (s.argmax(1) == batch["species"]).float().mean()


def main():
    torch.manual_seed(41)
    cfg = Config()
    train, val = DataLoader(Leaves(2400, cfg.points, 1), cfg.batch, shuffle=True), DataLoader(Leaves(600, cfg.points, 2), 300)
    net = LeafNet(cfg)
    opt = torch.optim.AdamW(net.parameters(), lr=cfg.lr)
    for epoch in range(cfg.epochs):
        net.train()
        tot = 0.0
        for batch in train:
            ce, mse, _ = losses(net, batch)
            loss = ce + cfg.area_weight * mse
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item()
        net.eval()
        with torch.no_grad():
            ce, mse, acc = (torch.stack(v).mean().item() for v in zip(*[losses(net, b) for b in val]))
        print(f"epoch {epoch} train {tot / len(train):.4f} val {ce + cfg.area_weight * mse:.4f} acc {acc:.3f} area mse {mse:.4f}")


if __name__ == "__main__":
    main()
