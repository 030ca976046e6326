# A tiny GPT on generated token sequences. Tied weights, warm-up, cosine decay, no decay for norms and biases.
import math
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class GPTConfig:
    vocab: int = 18
    block: int = 24
    dim: int = 32
    heads: int = 2
    layers: int = 2
    dropout: float = 0.0


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.h = c.heads
        self.qkv = nn.Linear(c.dim, 3 * c.dim)
        self.proj = nn.Linear(c.dim, c.dim)
        self.register_buffer("mask", torch.tril(torch.ones(c.block, c.block)).bool())

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = [t.view(B, T, self.h, -1).transpose(1, 2) for t in self.qkv(x).split(C, 2)]
        a = (q @ k.transpose(-2, -1)) / math.sqrt(q.size(-1))
        a = a.masked_fill(~self.mask[:T, :T], float("-inf")).softmax(-1)
        return self.proj((a @ v).transpose(1, 2).reshape(B, T, C))


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(c.dim), nn.LayerNorm(c.dim)
        self.att = Attention(c)
        self.mlp = nn.Sequential(nn.Linear(c.dim, 4 * c.dim), nn.GELU(), nn.Linear(4 * c.dim, c.dim))

    def forward(self, x):
        x = x + self.att(self.n1(x))
        return x + self.mlp(self.n2(x))


class GPT(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.tok, self.pos = nn.Embedding(c.vocab, c.dim), nn.Embedding(c.block, c.dim)
        self.blocks = nn.ModuleList(Block(c) for _ in range(c.layers))
        self.norm = nn.LayerNorm(c.dim)
        self.head = nn.Linear(c.dim, c.vocab, bias=False)
        self.apply(self._init)
        self.head.weight = self.tok.weight

    @staticmethod
    def _init(m):
        if isinstance(m, (nn.Linear, nn.Embedding)):
            nn.init.normal_(m.weight, 0, 0.05)
        if isinstance(m, nn.Linear) and m.bias is not None:
            nn.init.zeros_(m.bias)

    def forward(self, idx, targets=None):
        x = self.tok(idx) + self.pos(torch.arange(idx.size(1)))
        for b in self.blocks:
            x = b(x)
        logits = self.head(self.norm(x))
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten()) if targets is not None else None
        return logits, loss


def make_stream(n, gen):
    """Mostly a fixed successor table, sometimes a copy of the token two places back, sometimes noise."""
    table = torch.randperm(18, generator=torch.Generator().manual_seed(99)).tolist()
    out = [3, 5, 9, 1, 0, 16]
    noise = torch.rand(n, generator=gen)
    rand = torch.randint(0, 18, (n,), generator=gen)
    for i in range(n - 6):
        out.append(int(rand[i]) if noise[i] < 0.2 else out[-2] if noise[i] < 0.5 else table[out[-1]])
    return torch.tensor(out)


def get_batch(data, bs, block, gen):
    ix = torch.randint(0, len(data) - block - 1, (bs,), generator=gen)
    return torch.stack([data[i:i + block] for i in ix]), torch.stack([data[i + 1:i + 1 + block] for i in ix])


@torch.no_grad()
def estimate(model, data, block):
    model.eval()
    n = (len(data) - 1) // block
    x = data[:n * block].view(n, block)
    y = data[1:n * block + 1].view(n, block)
    loss = model(x, y)[1].item()
    model.train()
    return loss


def main():
    torch.manual_seed(1337)
    gen = torch.Generator().manual_seed(7)
    train, val = make_stream(40000, gen), make_stream(8000, gen)
    cfg = GPTConfig()
    model = GPT(cfg)
    decay = [p for p in model.parameters() if p.dim() >= 2]
    rest = [p for p in model.parameters() if p.dim() < 2]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}], lr=4e-3, betas=(0.9, 0.95))
    iters, warm = 240, 24
    lam = lambda i: (i + 1) / warm if i < warm else 0.1 + 0.45 * (1 + math.cos(math.pi * (i - warm) / (iters - warm)))
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lam)
    for it in range(iters):
        x, y = get_batch(train, 24, cfg.block, gen)
        _, loss = model(x, y)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
        if it % 40 == 0 or it == iters - 1:
            print(f"iter {it:4d} loss {loss.item():.3f} norm {norm:.2f} | train {estimate(model, train[:8000], cfg.block):.3f} val {estimate(model, val, cfg.block):.3f}")


if __name__ == "__main__":
    main()
