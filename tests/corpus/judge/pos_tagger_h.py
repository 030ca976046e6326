# Part-of-speech tagging of generated sentences with a BiLSTM; the tag of "ambiguous" words depends on the neighbour.
import random

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence, pack_padded_sequence, pad_packed_sequence
from torch.utils.data import DataLoader

random.seed(0)
torch.manual_seed(0)

TAGS = ["DET", "ADJ", "NOUN", "VERB", "ADV", "PREP"]
LEX = {
    "DET": ["the", "a", "every", "some", "this"],
    "ADJ": ["red", "old", "quiet", "tall", "odd", "light", "kind"],
    "NOUN": ["dog", "house", "river", "walk", "light", "kind", "play", "run", "teacher", "garden"],
    "VERB": ["sees", "walk", "play", "run", "light", "builds", "finds", "paints"],
    "ADV": ["slowly", "often", "never", "today"],
    "PREP": ["in", "near", "under", "with"],
}
PAD_TAG = -100


def noun_phrase():
    return ["DET"] + ["ADJ"] * random.choice([0, 0, 1, 2]) + ["NOUN"]


def sentence():
    tags = noun_phrase() + ["ADV"] * random.choice([0, 1]) + ["VERB"] + noun_phrase()
    if random.random() < 0.6:
        tags += ["PREP"] + noun_phrase()
    return [random.choice(LEX[t]) for t in tags], tags


words = sorted({w for l in LEX.values() for w in l})
w2i = {w: i + 2 for i, w in enumerate(words)}      # 0 pad, 1 unknown
t2i = {t: i for i, t in enumerate(TAGS)}

seen, data = set(), []
while len(data) < 2200:
    w, t = sentence()
    if tuple(w) in seen:
        continue
    seen.add(tuple(w))
    data.append((torch.tensor([w2i[x] for x in w]), torch.tensor([t2i[x] for x in t])))
train_data, dev_data = data[:1800], data[1800:]


def collate(batch):
    batch = sorted(batch, key=lambda p: -len(p[0]))
    xs, ys = zip(*batch)
    return pad_sequence(xs, True, 0), pad_sequence(ys, True, PAD_TAG), torch.tensor([len(x) for x in xs])


class Tagger(nn.Module):
    def __init__(self, vocab, tags, emb=24, hid=32):
        super().__init__()
        self.emb = nn.Embedding(vocab, emb, padding_idx=0)
        self.lstm = nn.LSTM(emb, hid, bidirectional=True, batch_first=True)
        self.drop = nn.Dropout(0.2)
        self.out = nn.Linear(2 * hid, tags)

    def forward(self, x, lengths):
        e = self.drop(self.emb(x))
        packed = pack_padded_sequence(e, lengths, batch_first=True)
        h, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.out(self.drop(h))


model = Tagger(len(words) + 2, len(TAGS))
criterion = nn.CrossEntropyLoss(ignore_index=PAD_TAG)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
train_loader = DataLoader(train_data, 32, shuffle=True, collate_fn=collate)
dev_loader = DataLoader(dev_data, 100, collate_fn=collate)


def evaluate():
    model.eval()
    hit = tot = 0
    loss = 0.0
    with torch.no_grad():
        for x, y, n in dev_loader:
            s = model(x, n)
            loss += criterion(s.reshape(-1, len(TAGS)), y.reshape(-1)).item()
            m = y != PAD_TAG
            hit += (s.argmax(-1)[m] == y[m]).sum().item()
            tot += m.sum().item()
    model.train()
    return loss / len(dev_loader), hit / tot


x, y, n = next(iter(train_loader))
print(x.shape, y.shape, n[:5])

step = 0
for epoch in range(4):
    for x, y, n in train_loader:
        scores = model(x, n)
        loss = criterion(scores.transpose(1, 2), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        step += 1
        if step % 40 == 0:
            print("step", step, "train", round(loss.item(), 4), "dev loss/acc", evaluate())

model.eval()
with torch.no_grad():
    s = "the light sees a kind walk".split()
    out = model(torch.tensor([[w2i.get(w, 1) for w in s]]), torch.tensor([len(s)]))
print(list(zip(s, [TAGS[i] for i in out.argmax(-1)[0].tolist()])))
