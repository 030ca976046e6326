"""Cracks on asphalt tiles: encoder-decoder, BCE plus soft Dice, GroupNorm."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def asphalt(n, seed, size=24):
    g = torch.Generator().manual_seed(seed)
    yy, xx = torch.meshgrid(torch.arange(size).float(), torch.arange(size).float(), indexing="ij")
    angle = torch.rand(n, generator=g) * 3.1416
    off = (torch.rand(n, generator=g) - 0.5) * 12
    bend = (torch.rand(n, generator=g) - 0.5) * 6
    u = (xx - size / 2) * angle.cos()[:, None, None] + (yy - size / 2) * angle.sin()[:, None, None]
    v = -(xx - size / 2) * angle.sin()[:, None, None] + (yy - size / 2) * angle.cos()[:, None, None]
    line = off[:, None, None] + bend[:, None, None] * torch.sin(v / 4)
    mask = ((u - line).abs() < 1.6).float()
    img = 0.5 - 0.35 * mask + 0.15 * torch.randn(n, size, size, generator=g)
    img = img + 0.15 * (torch.rand(n, 1, 1, generator=g) - 0.5)
    return TensorDataset(((img - 0.45) / 0.2)[:, None], mask[:, None])


def conv(a, b):
    return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.GroupNorm(4, b), nn.SiLU())


class CrackNet(nn.Module):
    def __init__(self, c=12):
        super().__init__()
        self.a, self.b, self.c = conv(1, c), conv(c, 2 * c), conv(3 * c, c)
        self.head = nn.Conv2d(c, 1, 1)

    def forward(self, x):
        s = self.a(x)
        d = self.b(F.avg_pool2d(s, 2))
        up = F.interpolate(d, size=s.shape[-2:], mode="bilinear", align_corners=False)
        return self.head(self.c(torch.cat([s, up], 1)))


def soft_dice(logits, mask):
    p = logits.sigmoid()
    inter = (p * mask).sum((1, 2, 3))
    return 1 - ((2 * inter + 1) / (p.sum((1, 2, 3)) + mask.sum((1, 2, 3)) + 1)).mean()


def objective(logits, mask):
    return F.binary_cross_entropy_with_logits(logits, mask) + soft_dice(logits, mask)


if __name__ == "__main__":
    torch.manual_seed(15)
    train = DataLoader(asphalt(480, 1), batch_size=16, shuffle=True)
    valid = DataLoader(asphalt(120, 2), batch_size=60)
    net = CrackNet()
    opt = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for epoch in range(5):
        net.train()
        tot = 0.0
        for x, m in train:
            opt.zero_grad()
            loss = objective(net(x), m)
            loss.backward()
            opt.step()
            tot += loss.item()
        net.eval()
        with torch.no_grad():
            inter = union = vl = 0.0
            for x, m in valid:
                z = net(x)
                vl += objective(z, m).item() / len(valid)
                inter += ((z > 0) & (m > 0)).sum().item()
                union += ((z > 0) | (m > 0)).sum().item()
        print(f"epoch {epoch}: train {tot / len(train):.3f} valid {vl:.3f} IoU {inter / union:.3f}")
