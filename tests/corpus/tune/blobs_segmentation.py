import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class BlobMasks(Dataset):
    def __init__(self, n, seed, size=16):
        g = torch.Generator().manual_seed(seed)
        yy, xx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
        c = torch.rand(n, 2, generator=g) * 8 + 4
        r = torch.rand(n, generator=g) * 2.5 + 2
        d = ((yy[None] - c[:, 0, None, None]) ** 2 + (xx[None] - c[:, 1, None, None]) ** 2).sqrt()
        self.masks = (d < r[:, None, None]).float().unsqueeze(1)
        self.images = self.masks * 1.2 - 0.4 + 0.5 * torch.randn(n, 1, size, size, generator=g)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i], self.masks[i]


class TinyUNet(nn.Module):
    def __init__(self, c=8):
        super().__init__()
        self.d1 = nn.Conv2d(1, c, 3, padding=1)
        self.d2 = nn.Conv2d(c, 2 * c, 3, padding=1)
        self.u1 = nn.Conv2d(3 * c, c, 3, padding=1)
        self.out = nn.Conv2d(c, 1, 1)

    def forward(self, x):
        a = F.relu(self.d1(x))
        b = F.relu(self.d2(F.max_pool2d(a, 2)))
        b = F.interpolate(b, scale_factor=2, mode="nearest")
        return self.out(F.relu(self.u1(torch.cat([a, b], 1))))


def dice(logits, mask):
    p = (logits > 0).float()
    return (2 * (p * mask).sum() / (p.sum() + mask.sum() + 1e-6)).item()


def train(model, loader, optimizer, accumulate=8):
    model.train()
    optimizer.zero_grad()
    total = 0.0
    for i, (img, mask) in enumerate(loader, 1):
        loss = F.binary_cross_entropy_with_logits(model(img), mask)
        loss.backward()
        total += loss.item()
        if i % accumulate == 0:
            optimizer.step()
            optimizer.zero_grad()
    return total / len(loader)


def main():
    torch.manual_seed(30)
    train_dl = DataLoader(BlobMasks(640, 1), batch_size=4, shuffle=True)
    val_dl = DataLoader(BlobMasks(128, 2), batch_size=64)
    model = TinyUNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
    for epoch in range(8):
        loss = train(model, train_dl, optimizer)
        model.eval()
        with torch.no_grad():
            score = [dice(model(img), mask) for img, mask in val_dl]
        print(f"epoch {epoch + 1} loss {loss:.4f} dice {sum(score) / len(score):.4f}")


main()
