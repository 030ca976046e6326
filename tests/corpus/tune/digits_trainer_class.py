"""Digits with a small Trainer; the pixel statistics come from the training part."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class PixelStats:
    def __init__(self, images):
        self.mean = float(images.mean())
        self.std = float(images.std())

    def __call__(self, x):
        return (x - self.mean) / self.std


def load_splits(seed=0):
    d = load_digits()
    images = torch.tensor(d.images, dtype=torch.float32).unsqueeze(1) / 16
    labels = torch.tensor(d.target)
    train_idx, valid_idx = train_test_split(np.arange(len(labels)), test_size=0.25, stratify=d.target, random_state=seed)
    stats = PixelStats(images[train_idx])
    train = TensorDataset(images[train_idx], labels[train_idx])
    valid = TensorDataset(stats(images[valid_idx]), labels[valid_idx])
    return train, valid, stats


class Trainer:
    def __init__(self, model, stats, lr=1e-3):
        self.model = model
        self.stats = stats
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)

    def forward(self, batch):
        images, labels = batch
        logits = self.model(self.stats(images))
        return logits, labels

    def train_epoch(self, loader):
        self.model.train()
        total = 0.0
        for batch in loader:
            logits, labels = self.forward(batch)
            loss = self.criterion(logits, labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(labels)
        return total / len(loader.dataset)

    @torch.no_grad()
    def validate(self, loader):
        self.model.eval()
        total, right = 0.0, 0
        for batch in loader:
            logits, labels = self.forward(batch)
            total += self.criterion(logits, labels).item() * len(labels)
            right += (logits.argmax(1) == labels).sum().item()
        return total / len(loader.dataset), right / len(loader.dataset)


def main():
    torch.manual_seed(4)
    train, valid, stats = load_splits()
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Flatten(),
        nn.Dropout(0.25), nn.Linear(32 * 16, 10))
    trainer = Trainer(model, stats)
    train_loader = DataLoader(train, batch_size=32, shuffle=True)
    valid_loader = DataLoader(valid, batch_size=128)
    for epoch in range(8):
        train_loss = trainer.train_epoch(train_loader)
        valid_loss, acc = trainer.validate(valid_loader)
        print(f"epoch {epoch}: train {train_loss:.3f} | valid {valid_loss:.3f} | acc {acc:.3f}")


if __name__ == "__main__":
    main()
