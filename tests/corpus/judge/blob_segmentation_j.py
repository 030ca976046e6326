"""Segment bright blobs in noisy images with a small encoder-decoder, trained on the Dice score."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def make_images(n, size=32):
    yy, xx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    images = 0.3 * torch.randn(n, 1, size, size)
    masks = torch.zeros(n, 1, size, size)
    for i in range(n):
        for _ in range(int(torch.randint(1, 4, (1,)))):
            cy, cx = torch.randint(6, size - 6, (2,)).tolist()
            r = int(torch.randint(3, 7, (1,)))
            disc = (yy - cy) ** 2 + (xx - cx) ** 2 <= r * r
            masks[i, 0][disc] = 1.0
    return images + 0.8 * masks, masks


class SegNet(nn.Module):
    def __init__(self, c=12):
        super().__init__()
        self.down1 = nn.Sequential(nn.Conv2d(1, c, 3, padding=1), nn.ReLU())
        self.down2 = nn.Sequential(nn.Conv2d(c, 2 * c, 3, stride=2, padding=1), nn.ReLU())
        self.up = nn.ConvTranspose2d(2 * c, c, 2, stride=2)
        self.out = nn.Conv2d(2 * c, 1, 1)

    def forward(self, x):
        a = self.down1(x)
        b = F.relu(self.up(self.down2(a)))
        return self.out(torch.cat([a, b], dim=1))


def binarize(logits):
    return (torch.sigmoid(logits) > 0.5).float()


def dice_score(logits, masks, eps=1.0):
    pred = binarize(logits)
    inter = (pred * masks).sum(dim=(1, 2, 3))
    size = pred.sum(dim=(1, 2, 3)) + masks.sum(dim=(1, 2, 3))
    return ((2 * inter + eps) / (size + eps)).mean()


def dice_loss(logits, masks):
    loss = 1.0 - dice_score(logits, masks)
    return loss.requires_grad_()


def main():
    torch.manual_seed(19)
    train = TensorDataset(*make_images(400))
    val = TensorDataset(*make_images(100))
    train_loader = DataLoader(train, batch_size=20, shuffle=True)
    val_loader = DataLoader(val, batch_size=50)
    net = SegNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(6):
        net.train()
        running = 0.0
        for images, masks in train_loader:
            optimizer.zero_grad()
            loss = dice_loss(net(images), masks)
            loss.backward()
            optimizer.step()
            running += loss.item() * len(images)
        net.eval()
        with torch.no_grad():
            scores = [dice_score(net(images), masks).item() for images, masks in val_loader]
        print(f"epoch {epoch}  train loss {running / len(train):.4f}  val dice {sum(scores) / len(scores):.4f}")


if __name__ == "__main__":
    main()
