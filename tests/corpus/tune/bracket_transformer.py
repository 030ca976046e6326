"""A tiny transformer encoder that finds the most frequent token of a sequence."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

VOCAB, LENGTH, CLASSES = 12, 16, 4


def sequences(n, g):
    y = torch.randint(0, CLASSES, (n,), generator=g)
    x = torch.randint(0, VOCAB, (n, LENGTH), generator=g)
    for i in range(n):
        pos = torch.randperm(LENGTH, generator=g)[:6]
        x[i, pos] = y[i]
    return TensorDataset(x, y)


class SelfAttention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        att = F.softmax(q @ k.transpose(-2, -1) / math.sqrt(d // self.heads), dim=-1)
        return self.proj((att @ v).transpose(1, 2).reshape(b, t, d))


class Block(nn.Module):
    def __init__(self, dim, heads, p):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.att = SelfAttention(dim, heads)
        self.up, self.down = nn.Linear(dim, 2 * dim), nn.Linear(2 * dim, dim)
        self.p = p

    def forward(self, x):
        x = x + F.dropout(self.att(self.n1(x)), self.p)
        h = self.down(F.gelu(self.up(self.n2(x))))
        return x + F.dropout(h, self.p)


class Model(nn.Module):
    def __init__(self, dim=32, heads=4, depth=2, p=0.2):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, dim)
        self.pos = nn.Parameter(0.02 * torch.randn(1, LENGTH, dim))
        self.blocks = nn.ModuleList([Block(dim, heads, p) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, CLASSES)

    def forward(self, x):
        h = self.tok(x) + self.pos
        for b in self.blocks:
            h = b(h)
        return self.head(self.norm(h).mean(1))


def validate(model, loader):
    model.eval()
    loss = ok = 0.0
    with torch.inference_mode():
        for x, y in loader:
            z = model(x)
            loss += F.cross_entropy(z, y, reduction="sum").item()
            ok += (z.argmax(-1) == y).sum().item()
    n = len(loader.dataset)
    return loss / n, ok / n


def main():
    torch.manual_seed(2)
    g = torch.Generator().manual_seed(2)
    train = DataLoader(sequences(1600, g), batch_size=32, shuffle=True)
    val = DataLoader(sequences(400, g), batch_size=200)
    model = Model()
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=2e-3, total_steps=6 * len(train))
    for epoch in range(6):
        model.train()
        tot = 0.0
        for x, y in train:
            opt.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            opt.step()
            sched.step()
            tot += loss.item()
        vl, va = validate(model, val)
        print(f"epoch {epoch} train {tot / len(train):.4f} val {vl:.4f} acc {va:.4f}")


main()
