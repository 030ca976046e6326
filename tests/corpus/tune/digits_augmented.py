import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset


class DigitImages(Dataset):
    def __init__(self, images, labels, augment=False, seed=0):
        self.images = images.astype(np.float32) / 16.0
        self.labels = labels
        self.augment = augment
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        img = self.images[i]
        if self.augment:
            dx = self.rng.integers(-1, 2)
            img = np.roll(img, dx, axis=1)
            img = img * self.rng.uniform(0.8, 1.2)
            img = img + self.rng.normal(0, 0.08, img.shape)
        return torch.tensor(img, dtype=torch.float32).unsqueeze(0), int(self.labels[i])


class SmallCNN(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        )
        self.classifier = nn.Linear(128, num_classes)

    def forward(self, x):
        return self.classifier(self.features(x))


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    d = load_digits()
    xa, xb, ya, yb = train_test_split(d.images, d.target, test_size=0.25, stratify=d.target, random_state=0)
    train_loader = DataLoader(DigitImages(xa, ya, augment=True), batch_size=32, shuffle=True,
                              num_workers=2, persistent_workers=True)
    test_loader = DataLoader(DigitImages(xb, yb), batch_size=128)

    model = SmallCNN()
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(5):
        model.train()
        seen, total = 0, 0.0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * y.size(0)
            seen += y.size(0)
        model.eval()
        ok = 0
        with torch.no_grad():
            for x, y in test_loader:
                ok += (model(x).argmax(1) == y).sum().item()
        print(f"Epoch {epoch + 1}: loss={total / seen:.4f} test_acc={ok / len(test_loader.dataset):.4f}")


if __name__ == "__main__":
    main()
