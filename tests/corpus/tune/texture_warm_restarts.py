"""Textures with a small CNN and SGD with warm restarts."""
import math
import tempfile

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts
from torch.utils.data import DataLoader, TensorDataset


def textures(n, seed, size=16):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 6, (n,), generator=g)
    angle = y * (math.pi / 6) + 0.12 * torch.randn(n, generator=g)
    freq = 0.9 + 0.5 * torch.rand(n, generator=g)
    phase = 2 * math.pi * torch.rand(n, generator=g)
    yy, xx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    arg = angle.cos()[:, None, None] * xx + angle.sin()[:, None, None] * yy
    x = torch.sin(freq[:, None, None] * arg + phase[:, None, None]) + 0.9 * torch.randn(n, size, size, generator=g)
    return TensorDataset(x[:, None], y)


class TextureNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 5)
        self.conv2 = nn.Conv2d(16, 24, 3)
        self.fc = nn.Linear(24 * 4, 6)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(x.flatten(1))


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    loss = hits = n = 0
    for x, y in loader:
        out = model(x)
        loss += F.cross_entropy(out, y, reduction="sum").item()
        hits += (out.argmax(1) == y).sum().item()
        n += len(y)
    return loss / n, hits / n


if __name__ == "__main__":
    torch.manual_seed(2)
    train_loader = DataLoader(textures(1500, 1), batch_size=32, shuffle=True)
    valid_loader = DataLoader(textures(600, 2), batch_size=300)
    model = TextureNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.06, momentum=0.9)
    scheduler = CosineAnnealingWarmRestarts(optimizer, T_0=4, T_mult=1, eta_min=1e-4)
    for epoch in range(10):
        model.train()
        total = 0.0
        for step, (x, y) in enumerate(train_loader):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            scheduler.step(epoch + (step + 1) / len(train_loader))
            total += loss.item() * len(y)
        val, acc = evaluate(model, valid_loader)
        print(f"epoch {epoch} lr {scheduler.get_last_lr()[0]:.4f} train {total / 1500:.3f} valid {val:.3f} acc {acc:.3f}")
    with tempfile.TemporaryDirectory() as folder:
        torch.save(model.state_dict(), f"{folder}/texture_net.pt")
