"""Digit recogniser reading images the way a folder-per-class tree is read."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset


def scan_tree():
    """One (class name, images) pair a folder, in alphabetical order."""
    bunch = load_digits()
    return [(str(c), bunch.images[bunch.target == c].astype(np.float32) / 16.0) for c in range(10)]


class FolderDataset(Dataset):
    def __init__(self, tree, part, holdout=0.2):
        self.items = []
        for label, (_, images) in enumerate(tree):
            order = np.random.default_rng(label).permutation(len(images))
            cut = int(len(images) * (1 - holdout))
            chosen = images[order[:cut]] if part == "train" else images[order[cut:]]
            self.items += [(img, label) for img in chosen]

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        img, label = self.items[index]
        return torch.from_numpy(img)[None] - 0.3, label


def make_loader(dataset, batch_size=32, training=False):
    return DataLoader(dataset, batch_size=batch_size, shuffle=training, drop_last=training)


class LeNetish(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 16, 3, padding=1)
        self.c2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc = nn.Linear(32 * 4, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c1(x)), 2)
        x = F.max_pool2d(F.relu(self.c2(x)), 2)
        return self.fc(x.flatten(1))


def train_epoch(model, loader, optimizer):
    model.train()
    total, n = 0.0, 0
    for x, y in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        total, n = total + loss.item() * len(y), n + len(y)
    return total / n


@torch.no_grad()
def test(model, loader):
    model.eval()
    total, right, n = 0.0, 0, 0
    for x, y in loader:
        out = model(x)
        total += F.cross_entropy(out, y, reduction="sum").item()
        right += (out.argmax(1) == y).sum().item()
        n += len(y)
    return total / n, right / n


if __name__ == "__main__":
    torch.manual_seed(1)
    tree = scan_tree()
    train_loader = make_loader(FolderDataset(tree, "train"), batch_size=32)
    test_loader = make_loader(FolderDataset(tree, "test"), batch_size=128)
    model = LeNetish()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(8):
        tr = train_epoch(model, train_loader, optimizer)
        te, acc = test(model, test_loader)
        print(f"[{epoch}] train {tr:.3f} test {te:.3f} accuracy {acc:.3f}")
