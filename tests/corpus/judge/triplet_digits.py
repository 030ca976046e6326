"""Metric learning: triplets of digit images, evaluation by nearest-neighbour retrieval."""
import random
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from torch.utils.data import Dataset, DataLoader


class Triplets(Dataset):
    """anchor, another one of the class, one of another class"""

    def __init__(self, x, y, length):
        self.x, self.y, self.length = x, y, length
        self.by_class = {int(c): np.flatnonzero(y == c) for c in np.unique(y)}
        self.r = random.Random(0)

    def __len__(self):
        return self.length

    def __getitem__(self, _):
        i = self.r.randrange(len(self.y))
        c = int(self.y[i])
        p = i
        while p == i:
            p = self.r.choice(self.by_class[c])
        other = self.r.choice([k for k in self.by_class if k != c])
        n = self.r.choice(self.by_class[other])
        return self.x[i], self.x[p], self.x[n]


class Embedder(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 24, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24 * 16, dim))

    def forward(self, x):
        return F.normalize(self.net(x), dim=1)


def retrieval(model, xa, ya, xb, yb):
    model.eval()
    with torch.no_grad():
        ea, eb = model(xa).numpy(), model(xb).numpy()
    return KNeighborsClassifier(3).fit(ea, ya).score(eb, yb)


def main():
    torch.manual_seed(41)
    d = load_digits()
    x = torch.tensor((d.images / 8 - 1)[:, None], dtype=torch.float32)
    y = d.target
    perm = np.random.default_rng(41).permutation(len(y))
    a, b = perm[:1300], perm[1300:]
    train = Triplets(x[a], y[a], 1600)
    val_set = Triplets(x[b], y[b], 400)
    val = [val_set[i] for i in range(400)]
    va, vp, vn = (torch.stack(t) for t in zip(*val))
    model = Embedder()
    crit = nn.TripletMarginLoss(margin=0.4)
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    print("untrained retrieval", retrieval(model, x[a], y[a], x[b], y[b]))
    loader = DataLoader(train, 32)
    for epoch in range(6):
        model.train()
        tot = 0.0
        for anc, pos, neg in loader:
            loss = crit(model(anc), model(pos), model(neg))
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item()
        model.eval()
        with torch.no_grad():
            v = crit(model(va), model(vp), model(vn)).item()
        print(f"epoch {epoch} train {tot / len(loader):.4f} val {v:.4f} retrieval {retrieval(model, x[a], y[a], x[b], y[b]):.4f}")


main()
