"""Intent of short commands: variable-length token lists, padded and packed."""
import random

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader

TEMPLATES = {
    "play": ["play {x} now", "please put on {x}", "i want to hear {x}", "start {x} for me"],
    "stop": ["stop {x}", "please turn {x} off", "i do not want {x} now", "end {x} for me please"],
    "buy": ["order {x}", "i want to buy {x}", "please get me {x}", "add {x} to my cart now"],
    "ask": ["what is {x}", "tell me about {x}", "who made {x}", "i want to know about {x} please"],
}
THINGS = [f"{a} {b}" for a in "red blue old new loud sweet cheap fast".split() for b in "music radio lamp tea phone song show".split()]
LABELS = list(TEMPLATES)


def build(n, seed):
    r = random.Random(seed)
    rows = []
    for _ in range(n):
        label = r.choice(LABELS)
        words = r.choice(TEMPLATES[label]).format(x=r.choice(THINGS)).split()
        words = [w if r.random() > 0.06 else "<unk>" for w in words]
        words += r.choices(["um", "well", "ok", "so", "then"], k=r.randint(3, 6))
        rows.append((words, LABELS.index(label)))
    return rows


class IntentNet(nn.Module):
    def __init__(self, vocab, emb=20, hid=24):
        super().__init__()
        self.emb = nn.Embedding(vocab, emb, padding_idx=0)
        self.lstm = nn.LSTM(emb, hid, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * hid, len(LABELS))

    def forward(self, ids, lengths):
        packed = pack_padded_sequence(self.emb(ids), lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(packed)
        return self.fc(torch.cat([h[0], h[1]], 1))


def main():
    torch.manual_seed(60)
    train_rows, val_rows = build(1500, 1), build(400, 2)
    vocab = {"<pad>": 0, "<unk>": 1}
    for words, _ in train_rows:
        for w in words:
            vocab.setdefault(w, len(vocab))

    def collate(rows):
        ids = [torch.tensor([vocab.get(w, 1) for w in words]) for words, _ in rows]
        return pad_sequence(ids, batch_first=True), torch.tensor([len(i) for i in ids]), torch.tensor([l for _, l in rows])

    train = DataLoader(train_rows, 50, shuffle=True, collate_fn=collate)
    val = DataLoader(val_rows, 200, collate_fn=collate)
    net = IntentNet(len(vocab))
    opt = torch.optim.Adam(net.parameters(), lr=4e-3)
    ce = nn.CrossEntropyLoss()
    for epoch in range(6):
        net.train()
        tot = 0.0
        for ids, lengths, y in train:
            opt.zero_grad()
            loss = ce(net(ids, lengths), y)
            loss.backward()
            opt.step()
            tot += loss.item()
        net.eval()
        vl = right = 0.0
        with torch.no_grad():
            for ids, lengths, y in val:
                out = net(ids, lengths)
                vl += ce(out, y).item() / len(val)
                right += (out.argmax(1) == y).sum().item()
        print(f"epoch {epoch} train {tot / len(train):.4f} val {vl:.4f} acc {right / len(val_rows):.3f}")


main()
