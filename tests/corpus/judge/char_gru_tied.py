"""Character language model, tied input and output embeddings, state carried from chunk to chunk."""
import math
import random

import torch
import torch.nn as nn
import torch.nn.functional as F


def make_text(n_sentences, seed):
    r = random.Random(seed)
    who = ["the baker", "my sister", "an old sailor", "the teacher", "a small dog", "nobody"]
    did = ["found", "painted", "carried", "forgot", "followed", "sold"]
    what = ["the red boat", "a loaf of bread", "seven letters", "the garden gate", "an apple"]
    how = ["quietly ", "at last ", "again ", "with a smile ", ""]
    where = ["by the river", "in the morning", "near the mill", "on monday", "under the bridge"]
    return "".join(f"{r.choice(who)} {r.choice(did)} {r.choice(what)} {r.choice(how)}{r.choice(where)}. " for _ in range(n_sentences))


def chunks(text, stoi, lanes, steps):
    ids = torch.tensor([stoi[c] for c in text])
    ids = ids[: len(ids) // lanes * lanes].view(lanes, -1)
    for i in range(0, ids.size(1) - 1 - steps, steps):
        yield ids[:, i:i + steps], ids[:, i + 1:i + steps + 1]


class CharModel(nn.Module):
    def __init__(self, vocab, dim=64):
        super().__init__()
        self.emb = nn.Embedding(vocab, dim)
        nn.init.normal_(self.emb.weight, std=0.1)
        self.gru = nn.GRU(dim, dim, batch_first=True)
        self.out = nn.Linear(dim, vocab)
        self.out.weight = self.emb.weight

    def forward(self, x, state=None):
        h, state = self.gru(self.emb(x), state)
        return self.out(h), state


def main():
    torch.manual_seed(0)
    train_text, valid_text = make_text(900, 1), make_text(150, 2)
    chars = sorted(set(train_text))
    stoi = {c: i for i, c in enumerate(chars)}
    model = CharModel(len(chars))
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(5):
        model.train()
        state, losses = None, []
        for x, y in chunks(train_text, stoi, lanes=16, steps=64):
            if state is not None:
                state = state.detach()
            logits, state = model(x, state)
            loss = F.cross_entropy(logits.flatten(0, 1), y.flatten())
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            state, vl = None, []
            for x, y in chunks(valid_text, stoi, lanes=8, steps=64):
                logits, state = model(x, state)
                vl.append(F.cross_entropy(logits.flatten(0, 1), y.flatten()).item())
        tr, va = sum(losses) / len(losses), sum(vl) / len(vl)
        print(f"epoch {epoch + 1} train {tr:.3f} valid {va:.3f} perplexity {math.exp(va):.2f}")


if __name__ == "__main__":
    main()
