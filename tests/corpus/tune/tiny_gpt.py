import math
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class GPTConfig:
    vocab: int = 0
    block: int = 32
    dim: int = 48
    heads: int = 4
    layers: int = 2
    lr: float = 4e-3
    warmup: int = 20
    steps: int = 260
    batch: int = 24


class SelfAttention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.h = c.heads
        self.qkv = nn.Linear(c.dim, 3 * c.dim)
        self.proj = nn.Linear(c.dim, c.dim)
        self.register_buffer("mask", torch.tril(torch.ones(c.block, c.block)).bool())

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = (z.view(b, t, self.h, d // self.h).transpose(1, 2) for z in self.qkv(x).chunk(3, -1))
        att = (q @ k.transpose(-2, -1)) / math.sqrt(d // self.h)
        att = att.masked_fill(~self.mask[:t, :t], float("-inf"))
        y = F.softmax(att, dim=-1) @ v
        return self.proj(y.transpose(1, 2).reshape(b, t, d))


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(c.dim), nn.LayerNorm(c.dim)
        self.attn = SelfAttention(c)
        self.mlp = nn.Sequential(nn.Linear(c.dim, 4 * c.dim), nn.GELU(), nn.Linear(4 * c.dim, c.dim))

    def forward(self, x):
        x = x + self.attn(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class GPT(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.wte = nn.Embedding(c.vocab, c.dim)
        self.wpe = nn.Embedding(c.block, c.dim)
        self.layers = nn.ModuleList(Layer(c) for _ in range(c.layers))
        self.ln = nn.LayerNorm(c.dim)
        self.head = nn.Linear(c.dim, c.vocab, bias=False)
        self.apply(self._init)
        self.head.weight = self.wte.weight

    def _init(self, m):
        if isinstance(m, (nn.Linear, nn.Embedding)):
            nn.init.normal_(m.weight, std=0.05)
        if isinstance(m, nn.Linear) and m.bias is not None:
            nn.init.zeros_(m.bias)

    def forward(self, idx):
        x = self.wte(idx) + self.wpe(torch.arange(idx.size(1)))
        for layer in self.layers:
            x = layer(x)
        return self.head(self.ln(x))

    def optimizer(self):
        params = list(self.parameters())
        groups = [
            {"params": [p for p in params if p.dim() >= 2], "weight_decay": 0.1},
            {"params": [p for p in params if p.dim() < 2], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=self.c.lr, betas=(0.9, 0.95))


def schedule(c):
    def f(step):
        if step < c.warmup:
            return step / c.warmup
        t = (step - c.warmup) / (c.steps - c.warmup)
        return 0.1 + 0.45 * (1 + math.cos(math.pi * t))
    return f


def corpus(n, seed):
    import random
    r = random.Random(seed)
    who = ["the cat", "a dog", "my aunt", "the old king", "our neighbour"]
    does = ["sees", "likes", "follows", "paints", "forgets"]
    what = ["the moon", "a red house", "the river", "some bread", "an apple"]
    return " ".join(f"{r.choice(who)} {r.choice(does)} {r.choice(what)}." for _ in range(n))


def main():
    torch.manual_seed(1337)
    train_text, val_text = corpus(1500, 1), corpus(120, 2)
    chars = sorted(set(train_text))
    enc = {ch: i for i, ch in enumerate(chars)}
    train_ids = torch.tensor([enc[ch] for ch in train_text])
    val_ids = torch.tensor([enc[ch] for ch in val_text])
    c = GPTConfig(vocab=len(chars))
    model = GPT(c)
    opt = model.optimizer()
    sched = torch.optim.lr_scheduler.LambdaLR(opt, schedule(c))

    span = c.block + 1
    windows = train_ids[: len(train_ids) // span * span].view(-1, span)
    val_windows = val_ids[: len(val_ids) // span * span].view(-1, span)
    step = 0
    while step < c.steps:
        for w in windows.split(c.batch):
            model.train()
            logits = model(w[:, :-1])
            loss = F.cross_entropy(logits.flatten(0, 1), w[:, 1:].flatten())
            opt.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            sched.step()
            step += 1
            if step % 65 == 0:
                model.eval()
                with torch.no_grad():
                    v = F.cross_entropy(model(val_windows[:, :-1]).flatten(0, 1), val_windows[:, 1:].flatten())
                print(f"step {step} train {loss.item():.3f} val {v.item():.3f} lr {sched.get_last_lr()[0]:.2e}")
            if step == c.steps:
                break


if __name__ == "__main__":
    main()
