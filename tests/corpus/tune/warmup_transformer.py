"""Majority vote over coloured tokens with a one-layer transformer, linear warm-up and cosine decay."""
import math

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

COLOURS, LENGTH = 4, 11


def votes(n, seed):
    g = torch.Generator().manual_seed(seed)
    bias = torch.rand(n, COLOURS, generator=g) + 0.2
    s = torch.multinomial(bias, LENGTH, replacement=True, generator=g)
    counts = nn.functional.one_hot(s, COLOURS).sum(1)
    top = counts.topk(2, 1).values
    keep = top[:, 0] > top[:, 1]
    return TensorDataset(s[keep], counts.argmax(1)[keep])


class Attention(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(d, d) for _ in range(4))

    def forward(self, x):
        w = torch.softmax(self.q(x) @ self.k(x).transpose(1, 2) / math.sqrt(x.size(-1)), dim=-1)
        return self.o(w @ self.v(x))


class Voter(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.tok = nn.Embedding(COLOURS, d)
        self.n1, self.n2, self.n3 = nn.LayerNorm(d), nn.LayerNorm(d), nn.LayerNorm(d)
        self.att = Attention(d)
        self.ff = nn.Sequential(nn.Linear(d, 64), nn.GELU(), nn.Linear(64, d))
        self.out = nn.Linear(d, COLOURS)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, s):
        x = self.tok(s)
        x = x + self.att(self.n1(x))
        x = x + self.ff(self.n2(x))
        return self.out(self.n3(x).mean(1))


def groups(model, decay):
    a = [p for p in model.parameters() if p.ndim > 1]
    b = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": a, "weight_decay": decay}, {"params": b, "weight_decay": 0.0}]


def main(epochs=5, warm=40):
    torch.manual_seed(5)
    train_set, val_set = votes(2500, 0), votes(800, 1)
    train = DataLoader(train_set, batch_size=50, shuffle=True)
    val = DataLoader(val_set, batch_size=400)
    model = Voter()
    opt = torch.optim.AdamW(groups(model, 0.05), lr=3e-3)
    total = epochs * len(train)
    shape = lambda s: s / warm if s < warm else 0.5 * (1 + math.cos(math.pi * (s - warm) / (total - warm)))
    sched = torch.optim.lr_scheduler.LambdaLR(opt, shape)
    ce = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        model.train()
        for s, y in train:
            opt.zero_grad()
            ce(model(s), y).backward()
            opt.step()
            sched.step()
        model.eval()
        with torch.no_grad():
            z = torch.cat([model(s) for s, _ in val])
        y = val_set.tensors[1]
        print(f"epoch {epoch}: val loss {ce(z, y).item():.3f} acc {(z.argmax(1) == y).float().mean().item():.3f}")


if __name__ == "__main__":
    main()
