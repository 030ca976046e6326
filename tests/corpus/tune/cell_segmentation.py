"""Segmentation of bright ellipses: cross entropy plus soft dice."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def scenes(n, size, seed):
    g = torch.Generator().manual_seed(seed)
    yy, xx = torch.meshgrid(torch.arange(size).float(), torch.arange(size).float(), indexing="ij")
    u = lambda lo, hi: lo + (hi - lo) * torch.rand(n, 1, 1, generator=g)
    mask = ((xx - u(6, size - 6)) / u(3, 6)) ** 2 + ((yy - u(6, size - 6)) / u(3, 6)) ** 2 < 1
    img = 0.9 * mask.float() - 0.2 + 0.35 * torch.randn(n, size, size, generator=g)
    return TensorDataset(img.unsqueeze(1), mask.float().unsqueeze(1))


class SegNet(nn.Module):
    def __init__(self, c=8):
        super().__init__()
        self.down1 = self._block(1, c)
        self.down2 = self._block(c, 2 * c)
        self.up = nn.ConvTranspose2d(2 * c, c, 2, stride=2)
        self.fuse = self._block(2 * c, c)
        self.last = nn.Conv2d(c, 1, 1)

    @staticmethod
    def _block(i, o):
        return nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True))

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        return self.last(self.fuse(torch.cat([a, F.relu(self.up(b))], 1)))


def soft_dice(logits, mask, eps=1.0):
    p = logits.sigmoid().flatten(1)
    m = mask.flatten(1)
    return (1 - (2 * (p * m).sum(1) + eps) / (p.sum(1) + m.sum(1) + eps)).mean()


def criterion(logits, mask):
    return F.binary_cross_entropy_with_logits(logits, mask) + soft_dice(logits, mask)


def train():
    torch.manual_seed(0)
    train_dl, val_dl = DataLoader(scenes(400, 24, 1), 20, shuffle=True), DataLoader(scenes(150, 24, 2), 50)
    net = SegNet()
    opt = torch.optim.Adam(net.parameters(), lr=4e-3)
    for epoch in range(6):
        net.train()
        losses = []
        for img, mask in train_dl:
            opt.zero_grad()
            loss = criterion(net(img), mask)
            loss.backward()
            opt.step()
            losses.append(loss.item())
        net.eval()
        vl, iou = 0.0, 0.0
        with torch.no_grad():
            for img, mask in val_dl:
                z = net(img)
                hit = z > 0
                vl += criterion(z, mask).item() / len(val_dl)
                iou += ((hit & (mask > 0)).sum() / (hit | (mask > 0)).sum()).item() / len(val_dl)
        print(f"epoch {epoch} train {sum(losses) / len(losses):.4f} val {vl:.4f} IoU {iou:.3f}")


if __name__ == "__main__":
    train()
