"""Recognise which way an arrow on a road sign points (12x12 grey images drawn by code)."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

NAMES = ["up", "down", "left", "right"]


def draw_arrow(kind, rng):
    img = np.zeros((12, 12), dtype=np.float32)
    r = rng.integers(5, 8)
    img[2:10, r] = 1.0
    for k in range(4):
        img[2 + k, max(r - k, 0)] = 1.0
        img[2 + k, min(r + k, 11)] = 1.0
    turns = {"up": 0, "left": 1, "down": 2, "right": 3}[NAMES[kind]]
    img = np.rot90(img, turns).copy()
    img *= rng.uniform(0.7, 1.0)
    return img + rng.normal(0, 0.08, img.shape).astype(np.float32)


class Signs(Dataset):
    def __init__(self, n, seed, augment=None):
        rng = np.random.default_rng(seed)
        self.y = torch.from_numpy(rng.integers(0, 4, n))
        self.x = torch.from_numpy(np.stack([draw_arrow(k, rng) for k in self.y.tolist()])).float()[:, None]
        self.augment = augment

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = self.x[i]
        if self.augment is not None:
            x = self.augment(x)
        return x, self.y[i]


class Mirror:
    def __init__(self, p=0.5):
        self.p = p

    def __call__(self, x):
        return x.flip(-1) if torch.rand(()) < self.p else x


class Brightness:
    def __call__(self, x):
        return x * (0.85 + 0.3 * torch.rand(()))


class Compose:
    def __init__(self, *steps):
        self.steps = steps

    def __call__(self, x):
        for s in self.steps:
            x = s(x)
        return x


def build():
    return nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(16 * 9, 4))


if __name__ == "__main__":
    torch.manual_seed(3)
    augment = Compose(Mirror(), Brightness())
    train = DataLoader(Signs(1600, 0, augment), batch_size=32, shuffle=True)
    val = DataLoader(Signs(600, 1), batch_size=100)
    model = build()
    optim = torch.optim.Adam(model.parameters(), lr=2e-3)
    ce = nn.CrossEntropyLoss()
    for epoch in range(5):
        model.train()
        for x, y in train:
            loss = ce(model(x), y)
            optim.zero_grad()
            loss.backward()
            optim.step()
        model.eval()
        seen = correct = 0
        vloss = 0.0
        with torch.no_grad():
            for x, y in val:
                p = model(x)
                vloss += ce(p, y).item() * len(y)
                correct += (p.argmax(1) == y).sum().item()
                seen += len(y)
        print(f"epoch {epoch}: val loss {vloss / seen:.3f}, val accuracy {correct / seen:.3f}")
