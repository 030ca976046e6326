"""Character language model: hand-written attention, tied weights, streamed windows."""
import math
import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, IterableDataset

SUBJECTS = ["the cat", "the dog", "a bird", "my aunt", "the king"]
VERBS = ["saw", "chased", "found", "liked"]
OBJECTS = ["a mouse", "the moon", "an apple", "the queen", "a red hat"]


def write_text(n, rng):
    return " ".join(f"{rng.choice(SUBJECTS)} {rng.choice(VERBS)} {rng.choice(OBJECTS)}." for _ in range(n))


class Windows(IterableDataset):
    def __init__(self, ids, block, count, seed):
        self.ids, self.block, self.count = ids, block, count
        self.g = torch.Generator().manual_seed(seed)

    def __iter__(self):
        for _ in range(self.count):
            i = int(torch.randint(0, len(self.ids) - self.block - 1, (1,), generator=self.g))
            w = self.ids[i:i + self.block + 1]
            yield w[:-1], w[1:]


class Attention(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.h = h
        self.q, self.k, self.v, self.o = (nn.Linear(d, d, bias=False) for _ in range(4))

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = (f(x).view(b, t, self.h, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
        s = q @ k.transpose(-1, -2) / math.sqrt(d // self.h)
        mask = torch.triu(torch.ones(t, t, dtype=torch.bool), 1)
        s = s.masked_fill(mask, float("-inf"))
        return self.o((torch.softmax(s, dim=-1) @ v).transpose(1, 2).reshape(b, t, d))


class LM(nn.Module):
    def __init__(self, vocab, d=48, h=4, block=40, depth=2):
        super().__init__()
        self.emb = nn.Embedding(vocab, d)
        self.pos = nn.Embedding(block, d)
        self.layers = nn.ModuleList()
        for _ in range(depth):
            self.layers.append(nn.ModuleDict({
                "n1": nn.LayerNorm(d), "att": Attention(d, h), "n2": nn.LayerNorm(d),
                "mlp": nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d)),
            }))
        self.norm = nn.LayerNorm(d)
        self.head = nn.Linear(d, vocab, bias=False)
        nn.init.normal_(self.emb.weight, std=0.02)
        nn.init.normal_(self.pos.weight, std=0.02)
        self.head.weight = self.emb.weight

    def forward(self, x):
        h = self.emb(x) + self.pos(torch.arange(x.shape[1]))
        for l in self.layers:
            h = h + l["att"](l["n1"](h))
            h = h + l["mlp"](l["n2"](h))
        return self.head(self.norm(h))


def main():
    torch.manual_seed(0)
    rng = random.Random(0)
    text, held = write_text(1500, rng), write_text(150, rng)
    chars = sorted(set(text))
    enc = {c: i for i, c in enumerate(chars)}
    ids = torch.tensor([enc[c] for c in text])
    val = torch.tensor([enc[c] for c in held])
    val = val[:len(val) // 41 * 41].view(-1, 41)

    model = LM(len(chars))
    decay = [p for n, p in model.named_parameters() if p.dim() >= 2]
    no_decay = [p for n, p in model.named_parameters() if p.dim() < 2]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.05}, {"params": no_decay, "weight_decay": 0.0}],
                            lr=4e-3, betas=(0.9, 0.98))
    steps, warm = 240, 30

    def factor(s):
        if s < warm:
            return s / warm
        return 0.5 * (1 + math.cos(math.pi * (s - warm) / (steps - warm)))

    sched = torch.optim.lr_scheduler.LambdaLR(opt, factor)
    loader = DataLoader(Windows(ids, 40, steps * 16, 1), batch_size=16)
    for step, (x, y) in enumerate(loader, 1):
        model.train()
        opt.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        opt.step()
        sched.step()
        if step % 60 == 0:
            model.eval()
            with torch.no_grad():
                vl = F.cross_entropy(model(val[:, :-1]).flatten(0, 1), val[:, 1:].flatten()).item()
            print(f"step {step} train {loss.item():.3f} val {vl:.3f} ppl {math.exp(vl):.2f}")


if __name__ == "__main__":
    main()
