"""Identify minerals from noisy spectra; the exponential moving average of the weights is what we ship."""
import copy

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

BINS, MINERALS = 60, 8


def spectra(n, seed):
    lib = torch.Generator().manual_seed(555)
    centres = torch.randint(5, BINS - 5, (MINERALS, 4), generator=lib)
    heights = 0.5 + torch.rand(MINERALS, 4, generator=lib)
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, MINERALS, (n,), generator=g)
    bins = torch.arange(BINS)
    x = torch.zeros(n, BINS)
    for k in range(4):
        c = centres[y, k][:, None] + 0.7 * torch.randn(n, 1, generator=g)
        x += heights[y, k][:, None] * torch.exp(-((bins - c) ** 2) / 8)
    x += 0.45 * torch.randn(n, BINS, generator=g)
    return TensorDataset((x - 0.35) / 0.6, y)


class EMA:
    def __init__(self, model, decay=0.98):
        self.shadow = copy.deepcopy(model)
        self.decay = decay
        for p in self.shadow.parameters():
            p.requires_grad_(False)

    @torch.no_grad()
    def update(self, model):
        for s, p in zip(self.shadow.parameters(), model.parameters()):
            s.lerp_(p, 1 - self.decay)
        for s, b in zip(self.shadow.buffers(), model.buffers()):
            s.copy_(b)


def build(width=96):
    return nn.Sequential(
        nn.Linear(BINS, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.4),
        nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.4),
        nn.Linear(width, MINERALS))


@torch.no_grad()
def validate(net, loader, criterion):
    loss = right = n = 0
    for x, y in loader:
        out = net(x)
        loss += criterion(out, y).item() * len(y)
        right += (out.argmax(1) == y).sum().item()
        n += len(y)
    return loss / n, right / n


def main():
    torch.manual_seed(40)
    train_loader = DataLoader(spectra(1600, 1), batch_size=32, shuffle=True)
    valid_loader = DataLoader(spectra(500, 2), batch_size=100)
    model = build()
    ema = EMA(model)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1.5e-3)
    for epoch in range(8):
        model.train()
        total = 0.0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            ema.update(model)
            total += loss.item() * len(y)
        model.eval()
        val, acc = validate(ema.shadow, valid_loader, criterion)
        print(f"epoch {epoch}: train {total / 1600:.3f}  shadow valid {val:.3f}  acc {acc:.3f}")


if __name__ == "__main__":
    main()
