"""Translate written dates ('3 march 1987') to ISO with a GRU encoder, attention and teacher forcing."""
import random
import datetime
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

random.seed(33)
torch.manual_seed(33)
MONTHS = "january february march april may june july august september october november december".split()
SRC = {c: i + 1 for i, c in enumerate("abcdefghijklmnopqrstuvwxyz0123456789 ,/")}   # 0 pads
TGT = {c: i + 2 for i, c in enumerate("0123456789-")}                             # 0 pads, 1 starts
INV = {i: c for c, i in TGT.items()}


def spell(d):
    m = MONTHS[d.month - 1]
    return random.choice([f"{d.day} {m} {d.year}", f"{m} {d.day}, {d.year}", f"{d.day} {m[:3]} {d.year}", f"{d.day}/{d.month}/{d.year}"])


days = random.sample(range(365 * 60), 2300)              # each date once, so no date is in both parts
start = datetime.date(1960, 1, 1)
pairs = [(spell(d), d.isoformat()) for d in (start + datetime.timedelta(k) for k in days)]
train_pairs, val_pairs = pairs[:2000], pairs[2000:]
print(pairs[:3])


def collate(batch):
    src = pad_sequence([torch.tensor([SRC[c] for c in s]) for s, _ in batch], True)
    tgt = torch.stack([torch.tensor([1] + [TGT[c] for c in t]) for _, t in batch])
    return src, tgt


class Seq2Seq(nn.Module):
    def __init__(self, d=40):
        super().__init__()
        self.es, self.et = nn.Embedding(len(SRC) + 1, 24, padding_idx=0), nn.Embedding(len(TGT) + 2, 16)
        self.enc = nn.GRU(24, d // 2, batch_first=True, bidirectional=True)
        self.dec = nn.GRU(16, d, batch_first=True)
        self.query = nn.Linear(d, d)
        self.out = nn.Linear(2 * d, len(TGT) + 2)

    def encode(self, src):
        mem, h = self.enc(self.es(src))
        return mem, torch.cat([h[0], h[1]], 1)[None], src == 0

    def decode(self, tok, h, mem, mask):
        o, h = self.dec(self.et(tok), h)
        att = self.query(o) @ mem.transpose(1, 2) / 40 ** 0.5
        att = att.masked_fill(mask[:, None], -1e9).softmax(-1)
        return self.out(torch.cat([o, att @ mem], -1)), h

    def forward(self, src, tgt_in):
        mem, h, mask = self.encode(src)
        return self.decode(tgt_in, h, mem, mask)[0]

    @torch.no_grad()
    def translate(self, src, n=10):
        mem, h, mask = self.encode(src)
        tok, res = torch.ones(len(src), 1, dtype=torch.long), []
        for _ in range(n):
            o, h = self.decode(tok, h, mem, mask)
            tok = o.argmax(-1)
            res.append(tok)
        return torch.cat(res, 1)


net = Seq2Seq()
opt = torch.optim.Adam(net.parameters(), lr=6e-3)
EPOCHS = 5
train_dl = DataLoader(train_pairs, 32, shuffle=True, collate_fn=collate)
val_dl = DataLoader(val_pairs, 200, collate_fn=collate)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, 6e-3, total_steps=EPOCHS * len(train_dl))
lossf = lambda out, t: F.cross_entropy(out.flatten(0, 1), t.flatten())
for epoch in range(EPOCHS):
    net.train()
    tot = 0.0
    for src, tgt in train_dl:
        loss = lossf(net(src, tgt[:, :-1]), tgt[:, 1:])
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 3.0)
        opt.step()
        sched.step()
        tot += loss.item()
    net.eval()
    v = exact = 0
    with torch.no_grad():
        for src, tgt in val_dl:
            v += lossf(net(src, tgt[:, :-1]), tgt[:, 1:]).item() * len(src)
            exact += (net.translate(src) == tgt[:, 1:]).all(1).sum().item()
    print(f"{epoch} train {tot / len(train_dl):.4f} val {v / len(val_pairs):.4f} exact {exact / len(val_pairs):.3f}")
src, tgt = collate(val_pairs[:4])
for (s, t), o in zip(val_pairs, net.translate(src)):
    print(s, "->", "".join(INV.get(i, "?") for i in o.tolist()), "expected", t)
