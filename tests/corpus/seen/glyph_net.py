"""Letter glyph classifier with a custom weight initialisation."""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def glyph_data(n, seed, kinds=8, side=8):
    base = torch.Generator().manual_seed(0)
    protos = (torch.rand(kinds, side * side, generator=base) > 0.5).float()
    g = torch.Generator().manual_seed(seed)
    k = torch.randint(0, kinds, (n,), generator=g)
    x = protos[k] * (0.6 + 0.4 * torch.rand(n, 1, generator=g)) + 0.45 * torch.randn(n, side * side, generator=g)
    return TensorDataset(x, k)


class GlyphNet(nn.Module):
    def __init__(self, d=64, h=64, k=8):
        super().__init__()
        self.a = nn.Linear(d, h)
        self.b = nn.Linear(h, k)
        for layer in (self.a, self.b):
            nn.init.normal_(layer.weight, std=1.0)
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        return self.b(F.relu(self.a(x)))


def main(args):
    torch.manual_seed(args.seed)
    train = DataLoader(glyph_data(1600, 1), batch_size=args.bs, shuffle=True)
    test = DataLoader(glyph_data(400, 2), batch_size=400)
    model = GlyphNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        model.train()
        loss_sum = 0
        for x, k in train:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), k)
            loss.backward()
            optimizer.step()
            loss_sum += loss.item()
        model.eval()
        with torch.no_grad():
            (x, k), = list(test)
            acc = (model(x).argmax(1) == k).float().mean().item()
        print(f"epoch {epoch}: train loss {loss_sum / len(train):.3f}, test accuracy {acc:.3f}")


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=10)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--bs", type=int, default=40)
    p.add_argument("--seed", type=int, default=5)
    main(p.parse_args())
