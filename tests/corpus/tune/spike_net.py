"""Binary hidden units trained with a straight-through gradient (custom autograd function)."""
import argparse

import torch
import torch.nn.functional as F
from sklearn.datasets import make_classification
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Binarize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x > 0).float() * 2 - 1

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * (x.abs() < 1.5).float()


class SpikeNet(nn.Module):
    def __init__(self, n_in, hidden, n_out):
        super().__init__()
        self.inp, self.bn = nn.Linear(n_in, hidden), nn.BatchNorm1d(hidden)
        self.out = nn.Linear(hidden, n_out)
        nn.init.normal_(self.out.weight, std=0.02)

    def forward(self, x):
        return self.out(Binarize.apply(self.bn(self.inp(x))))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--hidden", type=int, default=96)
    ap.add_argument("--epochs", type=int, default=10)
    ap.add_argument("--lr", type=float, default=2e-3)
    a = ap.parse_args()
    torch.manual_seed(70)
    X, y = make_classification(4000, 12, n_informative=8, n_redundant=0, n_classes=3, n_clusters_per_class=1,
                               class_sep=1.6, flip_y=0.02, random_state=70)
    X = torch.tensor((X - X[:3200].mean(0)) / X[:3200].std(0), dtype=torch.float32)
    y = torch.tensor(y)
    train = DataLoader(TensorDataset(X[:3200], y[:3200]), 64, shuffle=True)
    net = SpikeNet(12, a.hidden, 3)
    opt = torch.optim.Adam(net.parameters(), lr=a.lr)
    for epoch in range(a.epochs):
        net.train()
        tot = 0.0
        for xb, yb in train:
            loss = F.cross_entropy(net(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item()
        net.eval()
        with torch.no_grad():
            out = net(X[3200:])
        print(f"epoch {epoch} train {tot / len(train):.4f} val {F.cross_entropy(out, y[3200:]):.4f} "
              f"acc {(out.argmax(1) == y[3200:]).float().mean():.3f}")


if __name__ == "__main__":
    main()
