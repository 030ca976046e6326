"""Digits with small random shifts, dropout, early stopping and a saved best state."""
import copy
import pathlib
import tempfile

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class ShiftedDigits(Dataset):
    def __init__(self, images, labels, shift=0):
        self.images, self.labels, self.shift = images, labels, shift

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        img = self.images[i]
        if self.shift:
            dy, dx = torch.randint(-self.shift, self.shift + 1, (2,)).tolist()
            big = F.pad(img, (self.shift,) * 4)
            top, left = self.shift + dy, self.shift + dx
            img = big[:, top:top + 8, left:left + 8]
        return img, self.labels[i]


class Patience:
    def __init__(self, limit, path):
        self.limit, self.path = limit, path
        self.best, self.waited = float("inf"), 0

    def update(self, value, model):
        if value < self.best - 1e-4:
            self.best, self.waited = value, 0
            torch.save(copy.deepcopy(model.state_dict()), self.path)
        else:
            self.waited += 1
        return self.waited >= self.limit


def main():
    torch.manual_seed(4)
    d = load_digits()
    x = torch.tensor(d.images / 16.0, dtype=torch.float32)[:, None]
    y = torch.tensor(d.target)
    perm = torch.randperm(len(y))
    tr, va = perm[:1300], perm[1300:]
    train = DataLoader(ShiftedDigits(x[tr], y[tr], shift=1), batch_size=50, shuffle=True)
    val = DataLoader(ShiftedDigits(x[va], y[va]), batch_size=250)
    model = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                          nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2), nn.Linear(384, 10))
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    with tempfile.TemporaryDirectory() as folder:
        patience = Patience(3, pathlib.Path(folder) / "best.pt")
        for epoch in range(12):
            model.train()
            for xb, yb in train:
                opt.zero_grad()
                F.cross_entropy(model(xb), yb).backward()
                opt.step()
            model.eval()
            with torch.no_grad():
                pairs = [(model(xb), yb) for xb, yb in val]
            z, t = (torch.cat(p) for p in zip(*pairs))
            loss = F.cross_entropy(z, t).item()
            print(f"epoch {epoch} val {loss:.4f} acc {(z.argmax(1) == t).float().mean().item():.3f}")
            if patience.update(loss, model):
                print("stopping")
                break
        model.load_state_dict(torch.load(patience.path))
    print(f"restored weights with validation loss {patience.best:.4f}")


if __name__ == "__main__":
    main()
