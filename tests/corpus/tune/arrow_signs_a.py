"""Traffic-arrow recognition (left / right / up / down) on rendered 16x16 signs."""
import random

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

CLASSES = ["left", "right", "up", "down"]


def render(kind, g):
    img = torch.zeros(16, 16)
    r = 8 + int(torch.randint(-2, 3, (1,), generator=g))
    img[r - 1:r + 1, 3:13] = 1.0
    for k in range(5):
        img[r - 1 - k, 3 + k] = 1.0
        img[r + k, 3 + k] = 1.0
    if kind == 1:
        img = img.flip(1)
    elif kind == 2:
        img = img.t()
    elif kind == 3:
        img = img.t().flip(0)
    return (img + 0.25 * torch.randn(16, 16, generator=g)).unsqueeze(0)


class RandomHorizontalFlip:
    def __init__(self, p=0.5):
        self.p = p

    def __call__(self, img):
        return img.flip(-1) if random.random() < self.p else img


class RandomShift:
    def __call__(self, img):
        return torch.roll(img, (random.randint(-1, 1), random.randint(-1, 1)), dims=(-2, -1))


class Compose:
    def __init__(self, ts):
        self.ts = ts

    def __call__(self, x):
        for t in self.ts:
            x = t(x)
        return x


class Signs(Dataset):
    def __init__(self, n, seed, transform=None):
        g = torch.Generator().manual_seed(seed)
        self.y = torch.randint(0, 4, (n,), generator=g)
        self.x = torch.stack([render(int(k), g) for k in self.y])
        self.transform = transform

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = self.x[i]
        if self.transform is not None:
            x = self.transform(x)
        return x, self.y[i]


train_tf = Compose([
    RandomHorizontalFlip(),
    RandomShift(),
])


def accuracy(model, loader):
    model.eval()
    good = 0
    with torch.no_grad():
        for x, y in loader:
            good += (model(x).argmax(1) == y).sum().item()
    return good / len(loader.dataset)


def main():
    random.seed(5)
    torch.manual_seed(5)
    train = DataLoader(Signs(1600, seed=1, transform=train_tf), batch_size=32, shuffle=True)
    valid = DataLoader(Signs(500, seed=2), batch_size=250)
    model = nn.Sequential(
        nn.Conv2d(1, 12, 5, stride=2, padding=2), nn.ReLU(),
        nn.Conv2d(12, 24, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(24 * 16, 48), nn.ReLU(), nn.Linear(48, len(CLASSES)),
    )
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    ce = nn.CrossEntropyLoss()
    for epoch in range(8):
        model.train()
        run = 0.0
        for x, y in train:
            opt.zero_grad()
            loss = ce(model(x), y)
            loss.backward()
            opt.step()
            run += loss.item()
        print(f"{epoch}: loss {run / len(train):.3f}  valid acc {accuracy(model, valid):.3f}")


main()
