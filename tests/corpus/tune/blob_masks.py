"""Foreground masks for synthetic microscope frames."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

SIZE = 24


class Frames(Dataset):
    def __init__(self, count, seed):
        g = torch.Generator().manual_seed(seed)
        yy, xx = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
        cx, cy = (torch.rand(2, count, 1, 1, generator=g) * 12 + 6)
        r = torch.rand(count, 1, 1, generator=g) * 3 + 3
        self.mask = (((xx - cx) ** 2 + (yy - cy) ** 2) < r ** 2).float().unsqueeze(1)
        self.image = self.mask * 1.2 - 0.4 + 0.4 * torch.randn(count, 1, SIZE, SIZE, generator=g)

    def __len__(self):
        return len(self.image)

    def __getitem__(self, i):
        return self.image[i], self.mask[i]


def block(cin, cout):
    return nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1), nn.BatchNorm2d(cout), nn.ReLU())


class TinyUNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = block(1, 8)
        self.mid = block(8, 16)
        self.dec = block(24, 8)
        self.head = nn.Conv2d(8, 1, 1)

    def forward(self, x):
        a = self.enc(x)
        b = self.mid(nn.functional.max_pool2d(a, 2))
        b = nn.functional.interpolate(b, scale_factor=2, mode="nearest")
        return self.head(self.dec(torch.cat([a, b], 1)))


class DiceLoss(nn.Module):
    def __init__(self, smooth=1.0):
        super().__init__()
        self.smooth = smooth

    def forward(self, logits, mask):
        pred = (torch.sigmoid(logits) > 0.5).float()
        inter = (pred * mask).sum(dim=(1, 2, 3))
        size = pred.sum(dim=(1, 2, 3)) + mask.sum(dim=(1, 2, 3))
        dice = (2 * inter + self.smooth) / (size + self.smooth)
        return (1 - dice).mean().requires_grad_()


def run():
    torch.manual_seed(3)
    train_dl = DataLoader(Frames(320, 1), batch_size=32, shuffle=True)
    val_dl = DataLoader(Frames(128, 2), batch_size=64)
    net, dice_loss = TinyUNet(), DiceLoss()
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    for epoch in range(6):
        net.train()
        seen = []
        for img, mask in train_dl:
            opt.zero_grad()
            loss = dice_loss(net(img), mask)
            loss.backward()
            opt.step()
            seen.append(loss.item())
        net.eval()
        with torch.no_grad():
            val = sum(dice_loss(net(i), m).item() for i, m in val_dl) / len(val_dl)
        print(f"[{epoch}] dice loss train {sum(seen) / len(seen):.4f} val {val:.4f}")


run()
