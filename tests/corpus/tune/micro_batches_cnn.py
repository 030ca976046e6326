"""Image classifier for a small memory budget: micro-batches of 8, one update for every 8 of them."""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def shapes(n, seed, size=16):
    """Squares, discs, crosses and rings of random place and size."""
    g = torch.Generator().manual_seed(seed)
    yy, xx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    y = torch.randint(0, 4, (n,), generator=g)
    out = torch.zeros(n, 1, size, size)
    for i in range(n):
        cy, cx = torch.randint(5, size - 5, (2,), generator=g)
        r = 3 + 2 * torch.rand(1, generator=g).item()
        dy, dx = (yy - cy).abs(), (xx - cx).abs()
        d = (dy ** 2 + dx ** 2).float().sqrt()
        mask = [torch.maximum(dy, dx) < r, d < r, (torch.minimum(dy, dx) < 1) & (torch.maximum(dy, dx) < r),
                (d < r) & (d > r - 1.8)][int(y[i])]
        out[i, 0][mask] = 1
    return TensorDataset(out + 0.25 * torch.randn(out.shape, generator=g), y)


class ShapeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.n1 = nn.Conv2d(1, 12, 3, padding=1), nn.GroupNorm(3, 12)
        self.c2, self.n2 = nn.Conv2d(12, 24, 3, padding=1), nn.GroupNorm(6, 24)
        self.fc = nn.Linear(24 * 16, 4)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.n1(self.c1(x))), 2)
        x = F.max_pool2d(F.relu(self.n2(self.c2(x))), 2)
        return self.fc(x.flatten(1))


def train_epoch(model, loader, optimizer, accumulate):
    model.train()
    optimizer.zero_grad()
    total = 0.0
    for i, (x, y) in enumerate(loader, start=1):
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        if i % accumulate == 0:
            optimizer.step()
            optimizer.zero_grad()
        total += loss.item()
    return total / len(loader)


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    loss = right = n = 0
    for x, y in loader:
        out = model(x)
        loss += F.cross_entropy(out, y, reduction="sum").item()
        right += (out.argmax(1) == y).sum().item()
        n += len(y)
    return loss / n, right / n


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=6)
    p.add_argument("--lr", type=float, default=0.01)
    p.add_argument("--accumulate", type=int, default=8)
    args = p.parse_args()
    torch.manual_seed(15)
    train_loader = DataLoader(shapes(1024, 1), batch_size=8, shuffle=True)
    valid_loader = DataLoader(shapes(400, 2), batch_size=200)
    model = ShapeNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9, nesterov=True)
    for epoch in range(args.epochs):
        tr = train_epoch(model, train_loader, optimizer, args.accumulate)
        va, acc = evaluate(model, valid_loader)
        print(f"epoch {epoch}: train {tr:.3f} valid {va:.3f} acc {acc:.3f}")


if __name__ == "__main__":
    main()
