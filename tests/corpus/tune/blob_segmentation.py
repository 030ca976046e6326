"""Segment bright cells in noisy microscope tiles, optimising the Dice overlap."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

SIZE = 24


def tiles(n, seed):
    g = torch.Generator().manual_seed(seed)
    yy, xx = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    masks = torch.zeros(n, SIZE, SIZE)
    for i in range(n):
        for _ in range(int(torch.randint(1, 4, (1,), generator=g))):
            cy, cx = torch.randint(4, SIZE - 4, (2,), generator=g)
            r = 2 + 3 * torch.rand(1, generator=g)
            masks[i][(yy - cy) ** 2 + (xx - cx) ** 2 <= r ** 2] = 1
    light = 0.6 + 0.8 * torch.rand(n, 1, 1, generator=g)
    images = masks * light + 0.35 * torch.randn(masks.shape, generator=g)
    return TensorDataset(images[:, None], masks[:, None])


class SmallUNet(nn.Module):
    def __init__(self, w=8):
        super().__init__()
        self.down1 = nn.Sequential(nn.Conv2d(1, w, 3, padding=1), nn.BatchNorm2d(w), nn.ReLU())
        self.down2 = nn.Sequential(nn.Conv2d(w, 2 * w, 3, padding=1), nn.BatchNorm2d(2 * w), nn.ReLU())
        self.up = nn.ConvTranspose2d(2 * w, w, 2, stride=2)
        self.last = nn.Sequential(nn.Conv2d(2 * w, w, 3, padding=1), nn.BatchNorm2d(w), nn.ReLU(), nn.Conv2d(w, 1, 1))

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        return self.last(torch.cat([self.up(b), a], 1))


def predict_mask(logits):
    return (torch.sigmoid(logits) > 0.5).float()


def dice_score(mask, target, eps=1.0):
    inter = (mask * target).sum(dim=(1, 2, 3))
    total = mask.sum(dim=(1, 2, 3)) + target.sum(dim=(1, 2, 3))
    return ((2 * inter + eps) / (total + eps)).mean()


class DiceLoss(nn.Module):
    def forward(self, logits, target):
        score = dice_score(predict_mask(logits), target)
        return (1 - score).requires_grad_()


def main():
    torch.manual_seed(12)
    train = DataLoader(tiles(320, 1), batch_size=16, shuffle=True)
    valid = DataLoader(tiles(100, 2), batch_size=50)
    model, criterion = SmallUNet(), DiceLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(6):
        model.train()
        losses = []
        for image, mask in train:
            optimizer.zero_grad()
            loss = criterion(model(image), mask)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            dice = sum(dice_score(predict_mask(model(i)), m).item() for i, m in valid) / len(valid)
        print(f"epoch {epoch} dice loss {sum(losses) / len(losses):.4f} valid dice {dice:.4f}")


if __name__ == "__main__":
    main()
