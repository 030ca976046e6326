"""Digits from a camera that is mounted in unknown orientation."""
import random

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset


class RandomQuarterTurn:
    def __call__(self, image):
        return torch.rot90(image, random.randint(0, 3), dims=(1, 2))


class DigitSet(Dataset):
    def __init__(self, images, targets, transform=None):
        self.images, self.targets, self.transform = images, targets, transform

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, idx):
        image = self.images[idx]
        if self.transform:
            image = self.transform(image)
        return image, self.targets[idx]


def get_loaders():
    raw = load_digits()
    images = torch.tensor(raw.images / 16.0, dtype=torch.float32).unsqueeze(1)
    targets = torch.tensor(raw.target)
    p = torch.randperm(len(targets))
    train, test = p[:1450], p[1450:]
    return (
        DataLoader(DigitSet(images[train], targets[train], RandomQuarterTurn()), batch_size=50, shuffle=True),
        DataLoader(DigitSet(images[test], targets[test]), batch_size=200),
    )


def main():
    random.seed(3)
    torch.manual_seed(3)
    train_loader, test_loader = get_loaders()
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 24, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(24 * 16, 10),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(6):
        model.train()
        running = 0.0
        for image, target in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(image), target)
            loss.backward()
            optimizer.step()
            running += loss.item()
        model.eval()
        good = total = 0
        with torch.no_grad():
            for image, target in test_loader:
                good += (model(image).argmax(1) == target).sum().item()
                total += len(target)
        print(f"epoch {epoch}: train loss {running / len(train_loader):.3f} | test acc {good / total:.3f}")


if __name__ == "__main__":
    main()
