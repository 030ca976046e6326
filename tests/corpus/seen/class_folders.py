"""Mimics an image folder: one directory per class."""
import itertools
from collections import defaultdict

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits


class FolderLikeDataset(torch.utils.data.Dataset):
    def __init__(self, tree):
        self.classes = sorted(tree)
        self.samples = list(itertools.chain.from_iterable(
            ((img, c) for img in tree[c]) for c in self.classes))

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        img, c = self.samples[i]
        return torch.from_numpy(img).unsqueeze(0), c


def read_trees(holdout=35):
    d = load_digits()
    full = defaultdict(list)
    for img, t in zip((d.images / 16).astype(np.float32), d.target):
        full[int(t)].append(img)
    train = {c: v[holdout:] for c, v in full.items()}
    test = {c: v[:holdout] for c, v in full.items()}
    return FolderLikeDataset(train), FolderLikeDataset(test)


def conv_block(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))


def main():
    torch.manual_seed(2024)
    train_set, test_set = read_trees()
    train_loader = torch.utils.data.DataLoader(train_set, batch_size=32)
    test_loader = torch.utils.data.DataLoader(test_set, batch_size=128)
    model = nn.Sequential(conv_block(1, 12), conv_block(12, 24), nn.Flatten(), nn.Linear(96, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.5)
    for epoch in range(12):
        model.train()
        losses = []
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        right = 0
        with torch.no_grad():
            for x, y in test_loader:
                right += (model(x).argmax(1) == y).sum().item()
        print(f"Epoch {epoch + 1:>2}: train loss {np.mean(losses):.3f}, test accuracy {right / len(test_set):.3f}")


if __name__ == "__main__":
    main()
