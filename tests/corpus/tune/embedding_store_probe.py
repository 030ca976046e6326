"""Trains a probe on vectors from a key-value store; labels come from a separate annotation file."""
import csv
import io

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset, random_split


def export_store(seed=0):
    """What an earlier stage of the pipeline leaves behind: vectors by key and a csv of annotations."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(X))
    store = {f"item_{k}": X[i].astype(np.float32) / 16 for k, i in enumerate(order)}
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(["key", "label"])
    writer.writerows([f"item_{k}", int(y[i])] for k, i in enumerate(order))
    sheet.seek(0)
    return store, sheet


def read_vectors(store):
    return np.stack([store[key] for key in sorted(store)])


def read_labels(sheet):
    return np.array([int(row["label"]) for row in csv.DictReader(sheet)])


class Probe(nn.Module):
    def __init__(self, n_in, n_out, width=256):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(n_in, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(),
                                    nn.Linear(width, n_out))

    def forward(self, x):
        return self.layers(x)


def score(model, loader):
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
    torch.manual_seed(0)
    store, sheet = export_store()
    vectors, labels = torch.from_numpy(read_vectors(store)), torch.from_numpy(read_labels(sheet))
    train, held_out = random_split(TensorDataset(vectors, labels), [0.75, 0.25])
    train_loader, val_loader = DataLoader(train, 128, shuffle=True), DataLoader(held_out, 256)
    model = Probe(64, 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    for epoch in range(35):
        model.train()
        total = 0.0
        for x, y in train_loader:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
        if epoch % 5 == 4:
            v, acc = score(model, val_loader)
            _, train_acc = score(model, train_loader)
            print(f"epoch {epoch + 1}: train {total / len(train):.3f} ({train_acc:.3f}) val {v:.3f} ({acc:.3f})")


if __name__ == "__main__":
    main()
