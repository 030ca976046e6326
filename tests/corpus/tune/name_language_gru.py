"""Which (made-up) language does a name come from? Character GRU."""
import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

LANGS = {
    "norrish": (["thor", "ulf", "grim", "sig", "hrod"], ["son", "stad", "gard", "rik"]),
    "latine": (["mar", "jul", "luc", "oct", "val"], ["ius", "anus", "ella", "tinus"]),
    "kanto": (["yama", "kawa", "taka", "mori", "hana"], ["moto", "shi", "da", "ko"]),
    "slavo": (["vlad", "bor", "mil", "stan", "rado"], ["ovich", "slav", "enko", "ska"]),
}
CHARS = "abcdefghijklmnopqrstuvwxyz"


def make_name(lang, rng):
    starts, ends = LANGS[lang]
    name = rng.choice(starts) + rng.choice(["", "a", "e", "i", "o"]) + rng.choice(ends)
    chars = list(name)
    for i in range(len(chars)):
        if rng.random() < 0.12:
            chars[i] = rng.choice(CHARS)
    return "".join(chars)


def make_corpus(n, rng):
    seen, rows = set(), []
    while len(rows) < n:
        k = rng.randrange(len(LANGS))
        name = make_name(list(LANGS)[k], rng)
        if name not in seen:
            seen.add(name)
            rows.append((torch.tensor([CHARS.index(c) + 1 for c in name]), k))
    return rows


def collate(rows):
    xs, ys = zip(*rows)
    return pad_sequence(xs, batch_first=True), torch.tensor([len(x) for x in xs]), torch.tensor(ys)


class NameClassifier(nn.Module):
    def __init__(self, n_lang, emb=24, hidden=48):
        super().__init__()
        self.emb = nn.Embedding(len(CHARS) + 1, emb, padding_idx=0)
        self.gru = nn.GRU(emb, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, n_lang)

    def forward(self, x, lengths):
        out, _ = self.gru(self.emb(x))
        last = out[torch.arange(len(x)), lengths - 1]
        return self.fc(last)

    def predict_proba(self, x, lengths):
        return F.softmax(self.forward(x, lengths), dim=-1)

    def training_step(self, batch):
        x, lengths, y = batch
        scores = self.predict_proba(x, lengths)
        return F.cross_entropy(scores, y)

    def validation_step(self, batch):
        x, lengths, y = batch
        return (self.predict_proba(x, lengths).argmax(-1) == y).sum().item()


def main():
    torch.manual_seed(13)
    rows = make_corpus(1400, random.Random(13))
    train = DataLoader(rows[:1100], batch_size=32, shuffle=True, collate_fn=collate)
    val = DataLoader(rows[1100:], batch_size=100, collate_fn=collate)
    model = NameClassifier(len(LANGS))
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(8):
        model.train()
        losses = []
        for batch in train:
            opt.zero_grad()
            loss = model.training_step(batch)
            loss.backward()
            opt.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            acc = sum(model.validation_step(b) for b in val) / 300
        print(f"epoch {epoch} loss {sum(losses) / len(losses):.4f} val_acc {acc:.3f}")


if __name__ == "__main__":
    main()
