"""Transformer encoder that compares letter counts; LambdaLR with warm-up and linear decay."""
import random

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

random.seed(4)
torch.manual_seed(4)
LEN, VOCAB = 12, 30


def dataset(n):
    """Do early letters (below 10) outnumber the late ones (20 and above)?"""
    rows = [[random.randrange(VOCAB) for _ in range(LEN)] for _ in range(n)]
    s = torch.tensor(rows)
    return s, ((s < 10).sum(1) > (s >= 20).sum(1)).long()


class Encoder(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, d)
        self.pos = nn.Parameter(0.1 * torch.randn(LEN, d))
        layer = nn.TransformerEncoderLayer(d, 4, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.enc = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.cls = nn.Linear(d, 2)

    def forward(self, s):
        return self.cls(self.enc(self.tok(s) + self.pos).mean(1))


x, y = dataset(1600)
xv, yv = dataset(400)
model = Encoder()
opt = torch.optim.AdamW(model.parameters(), lr=2e-3)
total = 6 * 40
sched = LambdaLR(opt, lambda s: s / 30 if s < 30 else max(0.0, (total - s) / (total - 30)))
for epoch in range(6):
    model.train()
    for ids in torch.randperm(1600).split(40):
        loss = nn.functional.cross_entropy(model(x[ids]), y[ids])
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
    model.eval()
    with torch.no_grad():
        out = model(xv)
    print(f"epoch {epoch}: val loss {nn.functional.cross_entropy(out, yv).item():.3f} acc {(out.argmax(1) == yv).float().mean().item():.3f}")
