"""A tiny GPT on a generated language: shared embeddings, warm-up from zero, cosine decay, decay only on matrices."""
import math
import random
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class Config:
    block: int = 24
    dim: int = 64
    heads: int = 4
    layers: int = 2
    batch: int = 24
    steps: int = 200
    warmup: int = 20
    lr: float = 3e-3
    eval_every: int = 40
    seed: int = 2


def make_text(n, seed):
    rnd = random.Random(seed)
    pairs = {"bake": ["bread", "cakes", "pies"], "ride": ["horses", "bikes", "trains"], "read": ["books", "maps", "poems"],
             "grow": ["beans", "roses", "corn"]}
    out = []
    for _ in range(n):
        verb = rnd.choice(list(pairs))
        out.append(f"{rnd.choice(['we', 'they', 'you'])} {verb} {rnd.choice(pairs[verb])};")
    return " ".join(out)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(c.dim), nn.LayerNorm(c.dim)
        self.attn = nn.MultiheadAttention(c.dim, c.heads, batch_first=True)
        self.ff = nn.Sequential(nn.Linear(c.dim, 4 * c.dim), nn.GELU(), nn.Linear(4 * c.dim, c.dim))
        self.register_buffer("mask", torch.triu(torch.ones(c.block, c.block, dtype=torch.bool), 1))

    def forward(self, x):
        h = self.ln1(x)
        x = x + self.attn(h, h, h, attn_mask=self.mask, need_weights=False)[0]
        return x + self.ff(self.ln2(x))


class GPT(nn.Module):
    def __init__(self, c, vocab):
        super().__init__()
        self.tok, self.pos = nn.Embedding(vocab, c.dim), nn.Embedding(c.block, c.dim)
        self.blocks = nn.ModuleList([Block(c) for _ in range(c.layers)])
        self.norm = nn.LayerNorm(c.dim)
        self.head = nn.Linear(c.dim, vocab, bias=False)
        for e in (self.tok, self.pos):
            nn.init.normal_(e.weight, std=0.08)
        self.head.weight = self.tok.weight

    def forward(self, ids):
        x = self.tok(ids) + self.pos.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def optimizer_groups(model, weight_decay):
    decay = [p for p in model.parameters() if p.dim() >= 2]
    rest = [p for p in model.parameters() if p.dim() < 2]
    return [dict(params=decay, weight_decay=weight_decay), dict(params=rest, weight_decay=0.0)]


def lr_factor(c):
    def factor(step):
        if step < c.warmup:
            return step / c.warmup
        progress = (step - c.warmup) / (c.steps - c.warmup)
        return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * progress))
    return factor


def main(c=Config()):
    torch.manual_seed(c.seed)
    text = make_text(1800, c.seed)
    chars = sorted(set(text))
    ids = torch.tensor([chars.index(ch) for ch in text])
    split = int(0.9 * len(ids))
    train, val = ids[:split], ids[split:]
    val = val[: (len(val) - 1) // c.block * c.block + 1]
    vx, vy = val[:-1].view(-1, c.block), val[1:].view(-1, c.block)

    model = GPT(c, len(chars))
    opt = torch.optim.AdamW(optimizer_groups(model, 0.05), lr=c.lr, betas=(0.9, 0.95))
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lr_factor(c))
    window = torch.arange(c.block + 1)
    losses = []
    for step in range(1, c.steps + 1):
        model.train()
        chunk = train[torch.randint(0, len(train) - c.block - 1, (c.batch, 1)) + window]
        loss = F.cross_entropy(model(chunk[:, :-1]).flatten(0, 1), chunk[:, 1:].flatten())
        opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        opt.step()
        sched.step()
        losses.append(loss.item())
        if step % c.eval_every == 0:
            model.eval()
            with torch.no_grad():
                v = F.cross_entropy(model(vx).flatten(0, 1), vy.flatten()).item()
            print(f"step {step:4d} train {sum(losses[-c.eval_every:]) / c.eval_every:.3f} val {v:.3f} lr {sched.get_last_lr()[0]:.1e}")
    print("uniform guess:", round(math.log(len(chars)), 3))


if __name__ == "__main__":
    main()
