"""Transformer encoder with zero-started residual branches that says which symbol of a sequence is the most frequent."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

SYMBOLS, LENGTH = 5, 15


def sequences(n, gen):
    y = torch.randint(0, SYMBOLS, (n,), generator=gen)
    x = torch.randint(0, SYMBOLS, (n, LENGTH), generator=gen)
    bias = torch.rand(n, LENGTH, generator=gen) < 0.35
    x = torch.where(bias, y[:, None], x)
    counts = F.one_hot(x, SYMBOLS).sum(1).float()
    top = counts.topk(2, dim=1).values
    keep = top[:, 0] > top[:, 1]
    return x[keep], counts.argmax(1)[keep]


class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.mlp = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))
        for last in (self.proj, self.mlp[-1]):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def attention(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        w = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(d // self.heads), dim=-1)
        return self.proj((w @ v).transpose(1, 2).reshape(b, t, d))

    def forward(self, x):
        x = x + self.attention(self.n1(x))
        return x + self.mlp(self.n2(x))


class Model(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.tok = nn.Embedding(SYMBOLS, d)
        self.pos = nn.Parameter(0.02 * torch.randn(LENGTH, d))
        self.blocks = nn.Sequential(Block(d, 4), Block(d, 4))
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, SYMBOLS)

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.tok(x) + self.pos)).mean(1))


def main(epochs=6, batch=64, warmup=40):
    torch.manual_seed(44)
    gen = torch.Generator().manual_seed(1)
    x_tr, y_tr = sequences(3000, gen)
    x_va, y_va = sequences(800, gen)
    model = Model()
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
    total_steps = epochs * math.ceil(len(x_tr) / batch)
    rate = lambda s: s / warmup if s < warmup else 0.5 * (1 + math.cos(math.pi * (s - warmup) / (total_steps - warmup)))
    sched = torch.optim.lr_scheduler.LambdaLR(opt, rate)
    for epoch in range(epochs):
        model.train()
        tot = 0.0
        for idx in torch.randperm(len(x_tr)).split(batch):
            loss = F.cross_entropy(model(x_tr[idx]), y_tr[idx])
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            sched.step()
            tot += loss.item() * len(idx)
        model.eval()
        with torch.no_grad():
            out = model(x_va)
            print(f"epoch {epoch} train {tot / len(x_tr):.3f} valid {F.cross_entropy(out, y_va).item():.3f} acc {(out.argmax(1) == y_va).float().mean():.3f}")


if __name__ == "__main__":
    main()
