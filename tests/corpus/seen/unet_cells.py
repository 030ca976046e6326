"""Segment overlapping cells with a two-level U-Net; loss is BCE plus soft Dice."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Cells(Dataset):
    def __init__(self, n, seed, side=16, flip=False):
        g = torch.Generator().manual_seed(seed)
        ax = torch.arange(side).float()
        yy, xx = torch.meshgrid(ax, ax, indexing="ij")
        cy, cx = (2 + (side - 4) * torch.rand(2, n, 3, 1, 1, generator=g)).unbind(0)
        ry, rx = (2 + 2 * torch.rand(2, n, 3, 1, 1, generator=g)).unbind(0)
        inside = ((yy - cy) / ry) ** 2 + ((xx - cx) / rx) ** 2 < 1
        self.mask = inside.any(1, keepdim=True).float()
        texture = 0.25 * torch.randn(n, 1, side, side, generator=g)
        shade = 0.3 * torch.rand(n, 1, 1, 1, generator=g) * (yy / side)
        self.image = 0.7 * self.mask + texture + shade - 0.3
        self.flip = flip

    def __len__(self):
        return len(self.image)

    def __getitem__(self, i):
        image, mask = self.image[i], self.mask[i]
        if self.flip and torch.rand(1).item() < 0.5:
            image, mask = image.flip(-1), mask.flip(-1)
        return image, mask


def double_conv(a, b):
    return nn.Sequential(
        nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU(),
        nn.Conv2d(b, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU(),
    )


class UNet(nn.Module):
    def __init__(self, base=8):
        super().__init__()
        self.down1 = double_conv(1, base)
        self.bottom = double_conv(base, 2 * base)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.merge = double_conv(3 * base, base)
        self.final = nn.Conv2d(base, 1, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.bottom(F.max_pool2d(a, 2))
        return self.final(self.merge(torch.cat([self.up(b), a], dim=1)))


def dice_loss(logits, mask, eps=1.0):
    p = torch.sigmoid(logits)
    overlap = (p * mask).sum((1, 2, 3))
    return (1 - (2 * overlap + eps) / (p.sum((1, 2, 3)) + mask.sum((1, 2, 3)) + eps)).mean()


def main():
    torch.manual_seed(80)
    train = DataLoader(Cells(320, 1, flip=True), batch_size=16, shuffle=True)
    val = DataLoader(Cells(96, 2), batch_size=48)
    net = UNet()
    opt = torch.optim.Adam(net.parameters(), lr=4e-3)
    bce = nn.BCEWithLogitsLoss()
    for epoch in range(5):
        net.train()
        total = 0.0
        for image, mask in train:
            opt.zero_grad()
            logits = net(image)
            loss = bce(logits, mask) + dice_loss(logits, mask)
            loss.backward()
            opt.step()
            total += loss.item()
        net.eval()
        inter = union = 0.0
        with torch.no_grad():
            for image, mask in val:
                pred = net(image) > 0
                inter += (pred & mask.bool()).sum().item()
                union += (pred | mask.bool()).sum().item()
        print(f"epoch {epoch + 1}: loss {total / len(train):.3f}  val IoU {inter / union:.3f}")


if __name__ == "__main__":
    main()
