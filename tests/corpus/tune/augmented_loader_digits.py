"""Digits with augmentation in loader workers."""
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Dataset


class AugmentedDigits(Dataset):
    """Shifts by up to one pixel, changes of brightness, additive noise."""

    def __init__(self, images, labels, augment=False, seed=0):
        self.images, self.labels = images.astype(np.float32), labels
        self.augment = augment
        self.rng = np.random.default_rng(seed)

    def _augment(self, image):
        dy, dx = self.rng.integers(-1, 2, size=2)
        image = np.roll(image, (dy, dx), axis=(0, 1))
        image = image * self.rng.uniform(0.85, 1.15)
        return image + self.rng.normal(0, 0.08, image.shape)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = self._augment(self.images[i]) if self.augment else self.images[i]
        return torch.as_tensor(image, dtype=torch.float32)[None], int(self.labels[i])


class SmallNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.drop = nn.Dropout(0.1)
        self.fc = nn.Linear(32 * 4, 10)
        self.pool, self.act = nn.MaxPool2d(2), nn.ReLU()

    def forward(self, x):
        x = self.pool(self.act(self.conv1(x)))
        x = self.pool(self.act(self.conv2(x)))
        return self.fc(self.drop(x.flatten(1)))


class Runner:
    def __init__(self, model, train_loader, val_loader, lr):
        self.model, self.train_loader, self.val_loader = model, train_loader, val_loader
        self.opt = torch.optim.Adam(model.parameters(), lr=lr)
        self.loss_fn = nn.CrossEntropyLoss()

    def epoch(self):
        self.model.train()
        total, n = 0.0, 0
        for x, y in self.train_loader:
            loss = self.loss_fn(self.model(x), y)
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            total, n = total + loss.item() * len(y), n + len(y)
        return total / n

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        total, right, n = 0.0, 0, 0
        for x, y in self.val_loader:
            out = self.model(x)
            total += self.loss_fn(out, y).item() * len(y)
            right += (out.argmax(1) == y).sum().item()
            n += len(y)
        return total / n, right / n


def main(epochs=5):
    torch.manual_seed(14)
    d = load_digits()
    Xtr, Xva, ytr, yva = train_test_split(d.images / 16.0, d.target, test_size=0.2, stratify=d.target, random_state=14)
    train_loader = DataLoader(AugmentedDigits(Xtr, ytr, augment=True), 64, shuffle=True, num_workers=2,
                              persistent_workers=True)
    val_loader = DataLoader(AugmentedDigits(Xva, yva), 180)
    runner = Runner(SmallNet(), train_loader, val_loader, lr=6e-3)
    for e in range(epochs):
        tr = runner.epoch()
        va, acc = runner.validate()
        print(f"epoch {e} train {tr:.4f} val {va:.4f} acc {acc:.4f}")


if __name__ == "__main__":
    main()
