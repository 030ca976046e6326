"""BiLSTM tagger for an invented grammar: determiner, noun, verb, adjective, preposition."""
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

random.seed(4)
torch.manual_seed(4)

TAGS = ["DET", "NOUN", "VERB", "ADJ", "PREP"]
LEX = {
    "DET": ["the", "a", "this", "every"],
    "NOUN": ["dog", "cat", "watch", "light", "book", "run", "tree", "park"],
    "VERB": ["sees", "likes", "watch", "book", "run", "light", "finds"],
    "ADJ": ["big", "light", "green", "old", "quick"],
    "PREP": ["in", "on", "near", "with"],
}
words = sorted({w for ws in LEX.values() for w in ws})
w2i = {w: i for i, w in enumerate(words)}
t2i = {t: i for i, t in enumerate(TAGS)}
LENGTH = 12


def noun_phrase():
    tags = ["DET"] if random.random() < 0.8 else []
    tags += ["ADJ"] * random.choice([0, 0, 1, 2])
    return tags + ["NOUN"]


def sentence():
    tags = []
    while len(tags) < LENGTH:
        tags += noun_phrase() + ["VERB"] + noun_phrase()
        if random.random() < 0.5:
            tags += ["PREP"] + noun_phrase()
    tags = tags[:LENGTH]
    return [w2i[random.choice(LEX[t])] for t in tags], [t2i[t] for t in tags]


def corpus(n):
    pairs = [sentence() for _ in range(n)]
    return torch.tensor([p[0] for p in pairs]), torch.tensor([p[1] for p in pairs])


class Tagger(nn.Module):
    def __init__(self, n_words, n_tags, emb=24, hidden=32):
        super().__init__()
        self.emb = nn.Embedding(n_words, emb)
        self.lstm = nn.LSTM(emb, hidden, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * hidden, n_tags)

    def forward(self, tokens):
        h, _ = self.lstm(self.emb(tokens))
        scores = self.out(h)                      # batch, time, tags
        return F.log_softmax(scores, dim=1)


def tag_loss(logp, tags):
    return F.nll_loss(logp.transpose(1, 2), tags)


x_train, y_train = corpus(1500)
x_dev, y_dev = corpus(300)
model = Tagger(len(words), len(TAGS))
opt = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(6):
    model.train()
    total = 0.0
    for idx in torch.randperm(len(x_train)).split(50):
        opt.zero_grad()
        loss = tag_loss(model(x_train[idx]), y_train[idx])
        loss.backward()
        opt.step()
        total += loss.item() * len(idx)
    model.eval()
    with torch.no_grad():
        logp = model(x_dev)
        dev_loss = tag_loss(logp, y_dev).item()
        acc = (logp.argmax(-1) == y_dev).float().mean().item()
    print(f"epoch {epoch + 1}  train {total / len(x_train):.3f}  dev {dev_loss:.3f}  token accuracy {acc:.3f}")
