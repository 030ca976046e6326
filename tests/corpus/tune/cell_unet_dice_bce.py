"""Cell masks with a small U-Net; the loss is soft Dice plus binary cross-entropy."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Cells(Dataset):
    def __init__(self, n, seed, size=24):
        g = torch.Generator().manual_seed(seed)
        yy, xx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
        self.masks = torch.zeros(n, 1, size, size)
        for i in range(n):
            for _ in range(int(torch.randint(1, 4, (1,), generator=g))):
                cy, cx = torch.randint(3, size - 3, (2,), generator=g)
                a, b = 2 + 3 * torch.rand(2, generator=g)
                self.masks[i, 0][((yy - cy) / a) ** 2 + ((xx - cx) / b) ** 2 <= 1] = 1
        texture = 0.6 * torch.randn(n, 1, size, size, generator=g)
        self.images = F.avg_pool2d(self.masks, 3, 1, 1) * 1.5 + texture - 0.3

    def __len__(self):
        return len(self.masks)

    def __getitem__(self, i):
        return self.images[i], self.masks[i]


def double(a, b):
    return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.GroupNorm(4, b), nn.ReLU(inplace=True),
                         nn.Conv2d(b, b, 3, padding=1), nn.GroupNorm(4, b), nn.ReLU(inplace=True))


class UNet(nn.Module):
    def __init__(self, w=8):
        super().__init__()
        self.enc, self.mid, self.dec = double(1, w), double(w, 2 * w), double(3 * w, w)
        self.out = nn.Conv2d(w, 1, 1)

    def forward(self, x):
        a = self.enc(x)
        b = F.interpolate(self.mid(F.max_pool2d(a, 2)), scale_factor=2)
        return self.out(self.dec(torch.cat([a, b], dim=1)))


def dice_bce(logits, mask):
    p = torch.sigmoid(logits)
    dims = (1, 2, 3)
    dice = (2 * (p * mask).sum(dims) + 1) / (p.sum(dims) + mask.sum(dims) + 1)
    return (1 - dice).mean() + F.binary_cross_entropy_with_logits(logits, mask)


@torch.no_grad()
def test(net, loader):
    net.eval()
    loss = inter = union = 0.0
    for x, m in loader:
        logits = net(x)
        loss += dice_bce(logits, m).item()
        p = logits > 0
        inter += (p & (m > 0)).sum().item()
        union += (p | (m > 0)).sum().item()
    return loss / len(loader), inter / union


if __name__ == "__main__":
    torch.manual_seed(0)
    train = DataLoader(Cells(280, 1), batch_size=14, shuffle=True)
    valid = DataLoader(Cells(80, 2), batch_size=40)
    net = UNet()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(6):
        net.train()
        total = 0.0
        for x, m in train:
            loss = dice_bce(net(x), m)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        print(f"epoch {epoch} train {total / len(train):.3f} valid %.3f iou %.3f" % test(net, valid))
