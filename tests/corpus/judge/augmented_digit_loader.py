import time

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Dataset


class NoisyDigits(Dataset):
    """Digits with small random shifts and pixel noise, drawn anew at every access."""

    def __init__(self, images, labels, augment=False, seed=0):
        self.images = images
        self.labels = labels
        self.augment = augment
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = self.images[i]
        if self.augment:
            dy, dx = self.rng.integers(-1, 2, size=2)
            image = np.roll(image, (dy, dx), axis=(0, 1))
            image = image + 0.1 * self.rng.normal(size=image.shape).astype(np.float32)
        return torch.from_numpy(np.ascontiguousarray(image))[None], int(self.labels[i])


class SmallNet(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 3, padding=1), nn.BatchNorm2d(2 * width), nn.ReLU(),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        )
        self.head = nn.Linear(8 * width, 10)

    def forward(self, x):
        return self.head(self.body(x))


def validate(model, loader, criterion):
    model.eval()
    loss, correct, n = 0.0, 0, 0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            loss += criterion(out, y).item() * len(y)
            correct += (out.argmax(1) == y).sum().item()
            n += len(y)
    return loss / n, correct / n


def main():
    torch.manual_seed(4)
    data = load_digits()
    images = (data.images / 16.0).astype(np.float32)
    x_tr, x_va, y_tr, y_va = train_test_split(images, data.target, test_size=0.25, stratify=data.target, random_state=4)
    train_loader = DataLoader(NoisyDigits(x_tr, y_tr, augment=True, seed=4), batch_size=64, shuffle=True, num_workers=2)
    val_loader = DataLoader(NoisyDigits(x_va, y_va), batch_size=256)

    model = SmallNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for epoch in range(4):
        t0 = time.time()
        model.train()
        total = 0.0
        for x, y in train_loader:
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
        val_loss, val_acc = validate(model, val_loader, criterion)
        print(f"epoch {epoch + 1}: train {total / len(y_tr):.3f}  val {val_loss:.3f}  acc {val_acc:.3f}  ({time.time() - t0:.1f}s)")


if __name__ == "__main__":
    main()
