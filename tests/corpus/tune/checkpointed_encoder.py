"""Encoder whose blocks are recomputed in the backward pass; finds the longest run in a bit string."""
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


@dataclass(frozen=True)
class Settings:
    length: int = 20
    dim: int = 32
    depth: int = 2
    batch: int = 64
    epochs: int = 6
    lr: float = 3e-3
    recompute: bool = True


def bit_strings(n, s, seed):
    """Label: which quarter of the string holds the planted block of ones."""
    g = torch.Generator().manual_seed(seed)
    x = (torch.rand(n, s.length, generator=g) < 0.35).long()
    y = torch.randint(0, 4, (n,), generator=g)
    part = s.length // 4
    for i in range(n):
        x[i, y[i] * part:(y[i] + 1) * part] = 1
    flip = torch.rand(x.shape, generator=g) < 0.05
    return torch.where(flip, 1 - x, x), y


class MixerBlock(nn.Module):
    def __init__(self, dim, length):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.tokens = nn.Sequential(nn.Linear(length, 2 * length), nn.GELU(), nn.Linear(2 * length, length))
        self.channels = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        x = x + self.tokens(self.n1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.n2(x))


class Encoder(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.s = s
        self.embed = nn.Embedding(2, s.dim)
        self.position = nn.Parameter(0.1 * torch.randn(s.length, s.dim))
        self.blocks = nn.ModuleList([MixerBlock(s.dim, s.length) for _ in range(s.depth)])
        self.readout = nn.Linear(s.dim, 4)

    def forward(self, x):
        h = self.embed(x) + self.position
        for block in self.blocks:
            h = checkpoint(block, h, use_reentrant=False) if self.s.recompute and self.training else block(h)
        return self.readout(h.mean(1))


def main():
    s = Settings()
    torch.manual_seed(61)
    (x, y), (xv, yv) = bit_strings(2400, s, 1), bit_strings(600, s, 2)
    net, ce = Encoder(s), nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(net.parameters(), lr=s.lr, weight_decay=0.02)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, s.epochs)
    for epoch in range(s.epochs):
        net.train()
        losses = []
        for idx in torch.randperm(len(x)).split(s.batch):
            loss = ce(net(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        net.eval()
        with torch.no_grad():
            out = net(xv)
        print(f"{epoch}: train {sum(losses) / len(losses):.4f} val {ce(out, yv).item():.4f} acc {(out.argmax(1) == yv).float().mean().item():.3f}")


if __name__ == "__main__":
    main()
