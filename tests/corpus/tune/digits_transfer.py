"""Pretrain on digits 0-4, then transfer the features to digits 5-9."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return x.flatten(1)


class Classifier(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.backbone = Backbone()
        self.head = nn.Linear(128, n_classes)

    def forward(self, x):
        return self.head(self.backbone(x))

    def reset_head(self, n_classes):
        self.head = nn.Linear(128, n_classes)


def task(digits, classes, seed):
    keep = torch.tensor([t in classes for t in digits.target.tolist()])
    x = torch.tensor(digits.images, dtype=torch.float32)[keep].unsqueeze(1) / 16
    y = torch.tensor(digits.target)[keep] - min(classes)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    cut = int(0.75 * len(y))
    tr, te = order[:cut], order[cut:]
    return (DataLoader(TensorDataset(x[tr], y[tr]), batch_size=24, shuffle=True),
            DataLoader(TensorDataset(x[te], y[te]), batch_size=256))


def train(model, optimizer, loader, test_loader, epochs, tag):
    for epoch in range(epochs):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = sum((model(x).argmax(1) == y).sum().item() for x, y in test_loader)
        print(f"{tag} epoch {epoch + 1}: loss {loss.item():.3f} test acc {right / len(test_loader.dataset):.3f}")


def main():
    torch.manual_seed(0)
    digits = load_digits()

    model = Classifier(5)
    train_dl, test_dl = task(digits, range(0, 5), seed=0)
    train(model, torch.optim.Adam(model.parameters(), lr=1e-3), train_dl, test_dl, 6, "pretrain")

    train_dl, test_dl = task(digits, range(5, 10), seed=1)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
    model.reset_head(5)
    train(model, optimizer, train_dl, test_dl, 8, "transfer")


if __name__ == "__main__":
    main()
