"""Siamese embedding of the sklearn digits with contrastive loss."""
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset


class PairDataset(Dataset):
    def __init__(self, x, y, n_pairs, seed):
        self.x, self.y = x, y
        rng = np.random.default_rng(seed)
        by_class = [np.flatnonzero(y == k) for k in range(10)]
        pairs = []
        for _ in range(n_pairs):
            a = rng.integers(len(y))
            if rng.random() < 0.5:
                b = rng.choice(by_class[y[a]])
            else:
                other = (y[a] + rng.integers(1, 10)) % 10
                b = rng.choice(by_class[other])
            pairs.append((a, b))
        self.pairs = pairs

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, i):
        a, b = self.pairs[i]
        return self.x[a], self.x[b], float(self.y[a] == self.y[b])


class Embedder(nn.Module):
    def __init__(self, dim=8):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 48), nn.ReLU(), nn.Linear(48, dim))

    def forward(self, x):
        return self.net(x)


def distance(u, v):
    return torch.sqrt(((u - v) ** 2).sum(dim=1))


def contrastive_loss(d, same, margin=1.0):
    pull = same * d.pow(2)
    push = (1 - same) * torch.clamp(margin - d, min=0).pow(2)
    return (pull + push).mean()


def main():
    torch.manual_seed(5)
    digits = load_digits()
    order = np.random.default_rng(5).permutation(len(digits.target))
    x = torch.tensor(digits.data[order] / 16.0, dtype=torch.float32)
    y = digits.target[order]
    train = DataLoader(PairDataset(x[:1300], y[:1300], 4000, 0), batch_size=40, shuffle=True)
    test = DataLoader(PairDataset(x[1300:], y[1300:], 1000, 1), batch_size=250)
    model = Embedder()
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(5):
        model.train()
        total = 0.0
        for a, b, same in train:
            opt.zero_grad()
            loss = contrastive_loss(distance(model(a), model(b)), same.float())
            loss.backward()
            opt.step()
            total += loss.item()
        model.eval()
        hits = 0
        with torch.no_grad():
            for a, b, same in test:
                hits += ((distance(model(a), model(b)) < 0.5) == (same > 0.5)).sum().item()
        print(f"epoch {epoch + 1}: loss {total / len(train):.4f}, pair accuracy {hits / 1000:.3f}")


if __name__ == "__main__":
    main()
