"""Transformer encoder tagging brackets: is the token inside an open bracket or not."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

OPEN, CLOSE, VOCAB, LENGTH = 0, 1, 12, 14


def strings(n, seed):
    g = torch.Generator().manual_seed(seed)
    toks = torch.randint(2, VOCAB, (n, LENGTH), generator=g)
    start = torch.randint(0, LENGTH - 4, (n, 1), generator=g)
    width = torch.randint(2, 6, (n, 1), generator=g)
    end = (start + width).clamp(max=LENGTH - 1)
    toks.scatter_(1, start, OPEN)
    toks.scatter_(1, end, CLOSE)
    pos = torch.arange(LENGTH)
    return TensorDataset(toks, ((pos > start) & (pos < end)).long())


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.ff = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(self.n1(x)).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        att = torch.softmax(q @ k.transpose(-1, -2) / (d // self.heads) ** 0.5, dim=-1)
        x = x + self.out((att @ v).transpose(1, 2).reshape(b, t, d))
        return x + self.ff(self.n2(x))


class Tagger(nn.Module):
    def __init__(self, dim=32, depth=2):
        super().__init__()
        self.tok, self.pos = nn.Embedding(VOCAB, dim), nn.Embedding(LENGTH, dim)
        self.blocks = nn.Sequential(*[Block(dim, 4) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, 2)

    def forward(self, toks):
        h = self.tok(toks) + self.pos(torch.arange(LENGTH))
        return self.head(self.norm(self.blocks(h)))


def main():
    torch.manual_seed(22)
    train, val = DataLoader(strings(1600, 1), 64, shuffle=True), DataLoader(strings(400, 2), 200)
    net = Tagger()
    decay = [p for p in net.parameters() if p.ndim >= 2]
    rest = [p for p in net.parameters() if p.ndim < 2]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.05}, {"params": rest, "weight_decay": 0.0}], lr=3e-3)
    for epoch in range(7):
        net.train()
        tot = 0.0
        for toks, tags in train:
            loss = F.cross_entropy(net(toks).transpose(1, 2), tags)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 2.0)
            opt.step()
            tot += loss.item()
        net.eval()
        with torch.no_grad():
            res = [(net(t), y) for t, y in val]
        out, y = torch.cat([a for a, _ in res]), torch.cat([b for _, b in res])
        print(f"epoch {epoch} train {tot / len(train):.4f} val {F.cross_entropy(out.transpose(1, 2), y):.4f} "
              f"token acc {(out.argmax(-1) == y).float().mean():.4f}")


main()
