"""Digits with random shifts and cut-outs made in loader workers."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class AugmentedDigits(Dataset):
    def __init__(self, images, labels, augment, seed=0):
        self.images = images
        self.labels = labels
        self.augment = augment
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return len(self.labels)

    def jitter(self, img):
        dy, dx = self.rng.integers(-1, 2, size=2)
        img = np.roll(img, (dy, dx), axis=(0, 1))
        r, c = self.rng.integers(0, 6, size=2)
        img[r:r + 2, c:c + 2] = 0.0
        return img + self.rng.normal(0, 0.1, img.shape)

    def __getitem__(self, i):
        img = self.images[i].copy()
        if self.augment:
            img = self.jitter(img)
        return torch.tensor(img[None] - 0.3, dtype=torch.float32), int(self.labels[i])


def evaluate(model, loader):
    model.eval()
    loss = right = n = 0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            loss += nn.functional.cross_entropy(out, y, reduction="sum").item()
            right += (out.argmax(1) == y).sum().item()
            n += len(y)
    return loss / n, right / n


def main():
    torch.manual_seed(2)
    digits = load_digits()
    images = digits.images / 16.0
    order = np.random.default_rng(2).permutation(len(images))
    tr, va = order[:1100], order[1100:1500]
    train = AugmentedDigits(images[tr], digits.target[tr], augment=True, seed=2)
    valid = AugmentedDigits(images[va], digits.target[va], augment=False)
    train_loader = DataLoader(train, batch_size=32, shuffle=True, num_workers=2)
    valid_loader = DataLoader(valid, batch_size=200)

    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10))
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for epoch in range(5):
        model.train()
        running = 0.0
        for x, y in train_loader:
            opt.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            opt.step()
            running += loss.item() * len(y)
        vl, acc = evaluate(model, valid_loader)
        print(f"epoch {epoch} train {running / len(train):.3f} valid {vl:.3f} acc {acc:.3f}")


if __name__ == "__main__":
    main()
