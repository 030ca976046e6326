"""Segment round cells in noisy 24x24 microscope tiles."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def tiles(n, g):
    yy, xx = torch.meshgrid(torch.arange(24.0), torch.arange(24.0), indexing="ij")
    mask = torch.zeros(n, 24, 24)
    for i in range(n):
        for _ in range(int(torch.randint(1, 4, (1,), generator=g))):
            cy, cx = 4 + 16 * torch.rand(2, generator=g)
            r = 2.5 + 2.5 * torch.rand(1, generator=g)
            mask[i][(yy - cy) ** 2 + (xx - cx) ** 2 < r ** 2] = 1.0
    img = 0.9 * mask - 0.3 + 0.4 * torch.randn(n, 24, 24, generator=g)
    return img.unsqueeze(1), mask.unsqueeze(1)


class MiniUNet(nn.Module):
    def __init__(self, c=8):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, c, 3, padding=1), nn.ReLU(), nn.Conv2d(c, c, 3, padding=1), nn.ReLU())
        self.mid = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(c, 2 * c, 3, padding=1), nn.ReLU(), nn.Upsample(scale_factor=2))
        self.up = nn.Sequential(nn.Conv2d(3 * c, c, 3, padding=1), nn.ReLU(), nn.Conv2d(c, 1, 1))

    def forward(self, x):
        d = self.down(x)
        return self.up(torch.cat([d, self.mid(d)], dim=1))


class DiceLoss(nn.Module):
    def __init__(self, smooth=1.0, threshold=0.5):
        super().__init__()
        self.smooth = smooth
        self.threshold = threshold

    def forward(self, logits, target):
        pred = (torch.sigmoid(logits) > self.threshold).float()
        inter = (pred * target).sum(dim=(1, 2, 3))
        total = pred.sum(dim=(1, 2, 3)) + target.sum(dim=(1, 2, 3))
        dice = (2 * inter + self.smooth) / (total + self.smooth)
        loss = 1 - dice.mean()
        return loss.requires_grad_()


def dice_score(model, loader):
    model.eval()
    inter = total = 0.0
    with torch.no_grad():
        for x, m in loader:
            p = (model(x) > 0).float()
            inter += (p * m).sum().item()
            total += (p.sum() + m.sum()).item()
    return 2 * inter / max(total, 1.0)


def main():
    torch.manual_seed(14)
    g = torch.Generator().manual_seed(14)
    train_loader = DataLoader(TensorDataset(*tiles(400, g)), batch_size=16, shuffle=True)
    val_loader = DataLoader(TensorDataset(*tiles(100, g)), batch_size=50)
    net = MiniUNet()
    criterion = DiceLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(6):
        net.train()
        running = 0.0
        for x, m in train_loader:
            optimizer.zero_grad()
            loss = criterion(net(x), m)
            loss.backward()
            optimizer.step()
            running += loss.item()
        print(f"epoch {epoch + 1} loss {running / len(train_loader):.4f} val dice {dice_score(net, val_loader):.4f}")


if __name__ == "__main__":
    main()
