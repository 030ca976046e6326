"""Aligns two sensor modalities in one embedding space (dual encoder, in-batch negatives)."""
import argparse
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split


def simulate(n, latent=6, dim_a=40, dim_b=24, seed=11):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, latent))
    a = np.tanh(z @ rng.normal(size=(latent, dim_a)) * 0.6) + 0.05 * rng.normal(size=(n, dim_a))
    b = np.sin(z @ rng.normal(size=(latent, dim_b)) * 0.5) + 0.05 * rng.normal(size=(n, dim_b))
    a = (a - a.mean(0)) / a.std(0)
    b = (b - b.mean(0)) / b.std(0)
    return torch.tensor(a, dtype=torch.float32), torch.tensor(b, dtype=torch.float32)


class Tower(nn.Module):
    def __init__(self, d_in, width=128, d_out=32):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(d_in, width), nn.GELU(),
            nn.Linear(width, width), nn.GELU(),
            nn.Linear(width, d_out),
        )

    def forward(self, x):
        return F.normalize(self.body(x), dim=-1)


class DualEncoder(nn.Module):
    def __init__(self, dim_a, dim_b):
        super().__init__()
        self.tower_a = Tower(dim_a)
        self.tower_b = Tower(dim_b)
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))

    def forward(self, a, b):
        return self.tower_a(a), self.tower_b(b), self.log_scale.exp().clamp(max=50.0)


def match_matrix(queries, keys, scale):
    """Row i says how query i spreads over the keys of the batch."""
    return (scale * queries @ keys.T).softmax(dim=-1)


def alignment_loss(za, zb, scale):
    target = torch.arange(len(za))
    forward = F.cross_entropy(match_matrix(za, zb, scale), target)
    backward = F.cross_entropy(match_matrix(zb, za, scale), target)
    return 0.5 * (forward + backward)


@torch.no_grad()
def retrieval(model, loader):
    model.eval()
    losses, hits, total = [], 0, 0
    for a, b in loader:
        za, zb, scale = model(a, b)
        losses.append(alignment_loss(za, zb, scale).item())
        hits += (match_matrix(za, zb, scale).argmax(-1) == torch.arange(len(a))).sum().item()
        total += len(a)
    return np.mean(losses), hits / total


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=8)
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--batch-size", type=int, default=128)
    args = ap.parse_args()

    torch.manual_seed(3)
    data = TensorDataset(*simulate(2200))
    train, val = random_split(data, [1800, 400])
    train_loader = DataLoader(train, batch_size=args.batch_size, shuffle=True, drop_last=True)
    val_loader = DataLoader(val, batch_size=100)

    model = DualEncoder(40, 24)
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-4)
    for epoch in range(args.epochs):
        model.train()
        running = 0.0
        for a, b in train_loader:
            loss = alignment_loss(*model(a, b))
            opt.zero_grad()
            loss.backward()
            opt.step()
            running += loss.item()
        v_loss, r1 = retrieval(model, val_loader)
        print(f"epoch {epoch:2d}  train {running / len(train_loader):.4f}  val {v_loss:.4f}  R@1 {r1:.3f}")


if __name__ == "__main__":
    main()
