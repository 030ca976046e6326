"""Binary segmentation: find the discs among squares in noisy pictures, with a very small U-Net and BCE + Dice."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

SIZE = 32


class Shapes(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        self.items = [self.draw(rng) for _ in range(n)]

    @staticmethod
    def draw(rng):
        yy, xx = np.mgrid[:SIZE, :SIZE]
        img = rng.normal(0, 0.15, (SIZE, SIZE))
        mask = np.zeros((SIZE, SIZE))
        for _ in range(rng.integers(1, 3)):
            cx, cy, r = rng.uniform(6, 26), rng.uniform(6, 26), rng.uniform(4, 7)
            disc = (xx - cx) ** 2 + (yy - cy) ** 2 < r * r
            img[disc] += 0.9
            mask[disc] = 1
        for _ in range(rng.integers(0, 3)):
            a, b, s = rng.integers(0, 26), rng.integers(0, 26), rng.integers(3, 6)
            img[a:a + s, b:b + s] -= 0.8
        return (torch.tensor((img - 0.1) / 0.45, dtype=torch.float32)[None], torch.tensor(mask, dtype=torch.float32)[None])

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class FlipWrapper(Dataset):
    """augmentation on top of another dataset"""

    def __init__(self, base):
        self.base = base

    def __len__(self):
        return len(self.base)

    def __getitem__(self, i):
        x, m = self.base[i]
        if torch.rand(1).item() < 0.5:
            x, m = x.flip(-1), m.flip(-1)
        if torch.rand(1).item() < 0.5:
            x, m = x.flip(-2), m.flip(-2)
        return x, m


def block(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(),
                         nn.Conv2d(o, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU())


class MiniUNet(nn.Module):
    def __init__(self, w=8):
        super().__init__()
        self.d1, self.d2 = block(1, w), block(w, 2 * w)
        self.up = nn.ConvTranspose2d(2 * w, w, 2, stride=2)
        self.u1 = block(2 * w, w)
        self.last = nn.Conv2d(w, 1, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        return self.last(self.u1(torch.cat([a, F.relu(self.up(b))], 1)))


def dice_loss(logits, target, eps=1.0):
    p = logits.sigmoid()
    inter = (p * target).sum((1, 2, 3))
    return (1 - (2 * inter + eps) / (p.sum((1, 2, 3)) + target.sum((1, 2, 3)) + eps)).mean()


def iou(logits, target):
    p = logits > 0
    t = target > 0.5
    return ((p & t).sum().item() + 1e-9) / ((p | t).sum().item() + 1e-9)


def main():
    torch.manual_seed(4)
    train, val = Shapes(400, seed=1), Shapes(120, seed=2)
    print("share of disc pixels", torch.stack([m for _, m in train.items]).mean().item())
    tl = DataLoader(FlipWrapper(train), batch_size=16, shuffle=True)
    vl = DataLoader(val, batch_size=60)
    net = MiniUNet()
    opt = torch.optim.Adam(net.parameters(), lr=4e-3)
    sched = torch.optim.lr_scheduler.MultiStepLR(opt, milestones=[4, 6], gamma=0.3)
    bce = nn.BCEWithLogitsLoss()
    for epoch in range(7):
        net.train()
        tot = 0.0
        for x, m in tl:
            out = net(x)
            loss = bce(out, m) + dice_loss(out, m)
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item()
        sched.step()
        net.eval()
        with torch.no_grad():
            vals = [((bce(o := net(x), m) + dice_loss(o, m)).item(), iou(o, m)) for x, m in vl]
        v, j = np.mean(vals, 0)
        print(f"epoch {epoch} train {tot / len(tl):.4f} val {v:.4f} IoU {j:.4f}")


main()
