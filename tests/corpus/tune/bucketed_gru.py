"""Made-up film reviews with negation, batched by length, packed for a GRU."""
import random
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence, pack_padded_sequence
from torch.utils.data import DataLoader, Dataset, Sampler

random.seed(19); torch.manual_seed(19)
GOOD, BAD = "great fine lovely superb funny moving".split(), "dull awful weak boring messy flat".split()
FILL = "the film was a story with actors and it felt plot of this scene music ending camera quite very".split()
VOCAB = {w: i + 1 for i, w in enumerate(GOOD + BAD + FILL + ["not"])}

def review(label):
    words, net = [], 0
    while net == 0:
        words, net = [], 0
        for _ in range(random.randint(2, 6)):
            words += random.choices(FILL, k=random.randint(1, 3))
            good, neg = random.random() < (.72 if label else .28), random.random() < .3
            if neg: words.append("not")
            words.append(random.choice(GOOD if good != neg else BAD))
            net += 1 if good else -1
    return [VOCAB[w] for w in words], int(net > 0)

class Reviews(Dataset):
    def __init__(self, n):
        seen, self.rows = set(), []
        while len(self.rows) < n:
            ids, lab = review(random.random() < .5)
            if tuple(ids) not in seen: seen.add(tuple(ids)); self.rows.append((ids, lab))
    def __len__(self): return len(self.rows)
    def __getitem__(self, i): return torch.tensor(self.rows[i][0]), self.rows[i][1]

class ByLength(Sampler):
    def __init__(self, ds, size):
        order = sorted(range(len(ds)), key=lambda i: (len(ds.rows[i][0]), random.random()))
        self.batches = [order[i:i + size] for i in range(0, len(order), size)]
    def __iter__(self):
        random.shuffle(self.batches); return iter(self.batches)
    def __len__(self): return len(self.batches)

def collate(rows):
    x, y = zip(*rows)
    return pad_sequence(x, batch_first=True), torch.tensor([len(t) for t in x]), torch.tensor(y, dtype=torch.float32)

class Sentiment(nn.Module):
    def __init__(self, v, e=24, h=32):
        super().__init__()
        self.emb = nn.Embedding(v, e, padding_idx=0); self.gru = nn.GRU(e, h, batch_first=True, bidirectional=True); self.out = nn.Linear(2 * h, 1)
    def forward(self, x, lens):
        _, h = self.gru(pack_padded_sequence(self.emb(x), lens, batch_first=True, enforce_sorted=False))
        return self.out(torch.cat([h[0], h[1]], 1)).squeeze(1)

train, valid = Reviews(2000), Reviews(600)
known = {tuple(r[0]) for r in train.rows}; valid.rows = [r for r in valid.rows if tuple(r[0]) not in known]
dl, vl = DataLoader(train, batch_sampler=ByLength(train, 50), collate_fn=collate), DataLoader(valid, 200, collate_fn=collate)
net = Sentiment(len(VOCAB) + 1); opt = torch.optim.Adam(net.parameters(), lr=4e-3); lossf = nn.BCEWithLogitsLoss()
for ep in range(6):
    net.train(); s = 0
    for x, n, y in dl:
        opt.zero_grad(); loss = lossf(net(x, n), y); loss.backward(); nn.utils.clip_grad_norm_(net.parameters(), 5.); opt.step(); s += loss.item() / len(dl)
    net.eval(); v = a = 0
    with torch.no_grad():
        for x, n, y in vl:
            o = net(x, n); v += lossf(o, y).item() * len(y) / len(valid); a += ((o > 0) == (y > .5)).sum().item() / len(valid)
    print(ep, f"train {s:.3f} valid {v:.3f} acc {a:.3f}")
