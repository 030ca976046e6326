"""Character model with tied input and output embeddings, linear warm-up from zero and cosine decay."""
import math
import random

import torch
import torch.nn.functional as F
from torch import nn

SUBJECT = ["the cat", "a dog", "my aunt", "the old man", "our team", "a bird"]
VERB = ["sees", "likes", "follows", "finds", "draws", "paints"]
OBJECT = ["the moon", "a boat", "red apples", "the river", "some bread", "a song"]


def corpus(n, seed):
    r = random.Random(seed)
    return " ".join(f"{r.choice(SUBJECT)} {r.choice(VERB)} {r.choice(OBJECT)}." for _ in range(n))


class CharLM(nn.Module):
    def __init__(self, vocab, dim=48):
        super().__init__()
        self.emb = nn.Embedding(vocab, dim)
        self.rnn = nn.GRU(dim, dim, batch_first=True)
        self.out = nn.Linear(dim, vocab)
        self.out.weight = self.emb.weight
        nn.init.normal_(self.emb.weight, std=0.1)

    def forward(self, ids):
        h, _ = self.rnn(self.emb(ids))
        return self.out(h)


def batches(ids, width, size):
    rows = ids[: (len(ids) - 1) // width * width]
    inp = rows.view(-1, width)
    tgt = ids[1: len(rows) + 1].view(-1, width)
    for i in range(0, len(inp), size):
        yield inp[i:i + size], tgt[i:i + size]


def main():
    torch.manual_seed(5)
    train_text, val_text = corpus(1500, 1), corpus(300, 2)
    chars = sorted(set(train_text))
    encode = lambda s: torch.tensor([chars.index(c) for c in s])
    train_ids, val_ids = encode(train_text), encode(val_text)
    model = CharLM(len(chars))
    opt = torch.optim.AdamW(model.parameters(), lr=8e-3, weight_decay=0.0)
    epochs, per_epoch = 6, sum(1 for _ in batches(train_ids, 32, 32))
    total, warm = epochs * per_epoch, 15
    rate = lambda s: s / warm if s < warm else 0.5 * (1 + math.cos(math.pi * (s - warm) / (total - warm)))
    sched = torch.optim.lr_scheduler.LambdaLR(opt, rate)
    for epoch in range(epochs):
        model.train()
        tot = 0.0
        for x, y in batches(train_ids, 32, 32):
            opt.zero_grad()
            loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            sched.step()
            tot += loss.item()
        model.eval()
        with torch.no_grad():
            val = [F.cross_entropy(model(x).flatten(0, 1), y.flatten()).item() for x, y in batches(val_ids, 32, 64)]
        print(f"epoch {epoch} train {tot / per_epoch:.3f} val {sum(val) / len(val):.3f} lr {sched.get_last_lr()[0]:.5f}")


main()
