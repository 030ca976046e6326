"""Learn a 16-d embedding of handwritten digits from same/different pairs."""
import argparse
import random

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class PairSource:
    """Draws pairs of images: half of them share the digit, half do not."""

    def __init__(self, images, digits):
        self.images = images
        self.by_digit = {d: [i for i, v in enumerate(digits) if v == d] for d in range(10)}

    def draw(self, n):
        left, right, same = [], [], []
        for _ in range(n):
            a = random.randrange(10)
            is_same = random.random() < 0.5
            b = a if is_same else random.choice([d for d in range(10) if d != a])
            left.append(random.choice(self.by_digit[a]))
            right.append(random.choice(self.by_digit[b]))
            same.append(float(is_same))
        return self.images[left], self.images[right], torch.tensor(same)


class Embedder(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, dim))

    def forward(self, x):
        return self.layers(x)


def pair_loss(za, zb, same, margin):
    dist = torch.sqrt(((za - zb) ** 2).sum(dim=1))
    pull = same * dist ** 2
    push = (1 - same) * torch.clamp(margin - dist, min=0) ** 2
    return (pull + push).mean()


@torch.no_grad()
def nearest_accuracy(model, gallery, gallery_y, query, query_y):
    model.eval()
    nearest = torch.cdist(model(query), model(gallery)).argmin(dim=1)
    return (gallery_y[nearest] == query_y).float().mean().item()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--dim", type=int, default=16)
    ap.add_argument("--margin", type=float, default=1.0)
    ap.add_argument("--rounds", type=int, default=8)
    ap.add_argument("--pairs", type=int, default=96)
    args = ap.parse_args()
    random.seed(0)
    torch.manual_seed(0)

    digits = load_digits()
    xtr, xte, ytr, yte = train_test_split(digits.data / 16.0, digits.target, test_size=0.3, stratify=digits.target, random_state=0)
    xtr, xte = torch.tensor(xtr).float(), torch.tensor(xte).float()
    ytr, yte = torch.tensor(ytr), torch.tensor(yte)
    source = PairSource(xtr, ytr.tolist())
    model = Embedder(args.dim)
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for r in range(args.rounds):
        model.train()
        for _ in range(40):
            xa, xb, same = source.draw(args.pairs)
            loss = pair_loss(model(xa), model(xb), same, args.margin)
            opt.zero_grad()
            loss.backward()
            opt.step()
        acc = nearest_accuracy(model, xtr, ytr, xte, yte)
        print(f"round {r}: loss {loss.item():.4f}  1-nn accuracy {acc:.3f}")


if __name__ == "__main__":
    main()
