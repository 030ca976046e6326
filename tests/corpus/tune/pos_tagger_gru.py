"""Tag every word of generated sentences with its part of speech (bidirectional GRU)."""
import random

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

TAGS = ["DET", "ADJ", "NOUN", "VERB", "ADV", "PREP"]
NEXT = {"DET": ["ADJ", "NOUN"], "ADJ": ["NOUN", "ADJ"], "NOUN": ["VERB", "PREP"], "VERB": ["DET", "ADV"],
        "ADV": ["DET", "PREP"], "PREP": ["DET"]}
WORDS_PER_TAG, SHARED = 25, 20


def sentence(rng, length):
    tag, words, tags = "DET", [], []
    for _ in range(length):
        k = TAGS.index(tag)
        if rng.random() < 0.3:  # words such as "run", which may be several things
            words.append(len(TAGS) * WORDS_PER_TAG + rng.randrange(SHARED))
        else:
            words.append(k * WORDS_PER_TAG + rng.randrange(WORDS_PER_TAG))
        tags.append(k)
        tag = rng.choice(NEXT[tag])
    return words, tags


def corpus(n, seed, length=12):
    rng = random.Random(seed)
    pairs = [sentence(rng, length) for _ in range(n)]
    return TensorDataset(torch.tensor([p[0] for p in pairs]), torch.tensor([p[1] for p in pairs]))


class Tagger(nn.Module):
    def __init__(self, vocab, dim=24, hidden=32):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim)
        self.rnn = nn.GRU(dim, hidden, batch_first=True, bidirectional=True)
        self.proj = nn.Linear(2 * hidden, len(TAGS))
        self.norm = nn.LogSoftmax(dim=1)

    def forward(self, words):
        states, _ = self.rnn(self.embed(words))
        return self.norm(self.proj(states))


def tag_loss(log_probs, tags):
    return nn.functional.nll_loss(log_probs.flatten(0, 1), tags.flatten())


def main():
    torch.manual_seed(13)
    train_dl = DataLoader(corpus(900, seed=1), batch_size=30, shuffle=True)
    dev_dl = DataLoader(corpus(250, seed=2), batch_size=125)
    model = Tagger(len(TAGS) * WORDS_PER_TAG + SHARED)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(6):
        model.train()
        losses = []
        for words, tags in train_dl:
            loss = tag_loss(model(words), tags)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            scores = [(tag_loss(o, t).item(), (o.argmax(-1) == t).float().mean().item()) for w, t in dev_dl for o in [model(w)]]
        dev, acc = (sum(c) / len(scores) for c in zip(*scores))
        print(f"epoch {epoch}: train {sum(losses) / len(losses):.3f} dev {dev:.3f} tag accuracy {acc:.3f}")


main()
