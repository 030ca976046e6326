import argparse
import random

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser(description="LeNet-like network for handwritten digits")
parser.add_argument("--epochs", default=5, type=int)
parser.add_argument("--lr", default=0.002, type=float)
parser.add_argument("--batch", default=64, type=int)
parser.add_argument("--width", default=16, type=int)
opt = parser.parse_args()


def seed_everything(seed=2024):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


class LeNetish(nn.Module):
    def __init__(self, width, n_classes=10):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, width, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, kernel_size=3, padding=1),
            nn.ReLU(),
        )
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(2 * width * 16, 64),
            nn.ReLU(),
            nn.Linear(64, n_classes),
            nn.Softmax(dim=1),
        )

    def forward(self, x):
        return self.head(self.features(x))


def accuracy(model, loader):
    model.eval()
    good = total = 0
    with torch.no_grad():
        for images, labels in loader:
            predicted = model(images).argmax(dim=1)
            good += (predicted == labels).sum().item()
            total += labels.numel()
    return 100.0 * good / total


if __name__ == "__main__":
    seed_everything()
    digits = load_digits()
    images = torch.from_numpy(digits.images).float().unsqueeze(1) / 16
    labels = torch.from_numpy(digits.target).long()
    x_tr, x_te, y_tr, y_te = train_test_split(images, labels, test_size=0.25, random_state=0, stratify=labels)
    train_loader = DataLoader(TensorDataset(x_tr, y_tr), batch_size=opt.batch, shuffle=True)
    test_loader = DataLoader(TensorDataset(x_te, y_te), batch_size=256)

    model = LeNetish(opt.width)
    optimizer = optim.Adam(model.parameters(), lr=opt.lr)
    criterion = nn.CrossEntropyLoss()

    for epoch in range(opt.epochs):
        model.train()
        losses = []
        for images, labels in train_loader:
            optimizer.zero_grad()
            outputs = model(images)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"Epoch {epoch + 1}: loss {np.mean(losses):.3f}, test accuracy {accuracy(model, test_loader):.1f}%")
