"""Character language model read in order, hidden state carried over, shared in/out embedding."""
import numpy as np
import torch
from torch import nn

STREAMS, SPAN = 16, 20


def text(n, seed):
    rng = np.random.default_rng(seed)
    words = ["rain", "sun", "wind", "snow", "fog", "hail", "storm", "calm"]
    follow = np.random.default_rng(0).dirichlet(np.full(8, 0.5), size=8)
    out, k = [], 0
    while sum(map(len, out)) < n:
        k = rng.choice(8, p=follow[k])
        out.append(words[k] + " ")
    return "".join(out)[:n]


class CharLM(nn.Module):
    def __init__(self, vocab, dim=48):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim)
        nn.init.normal_(self.embed.weight, std=dim ** -0.5)
        self.gru = nn.GRU(dim, dim, batch_first=True)
        self.decode = nn.Linear(dim, vocab)
        self.decode.weight = self.embed.weight

    def forward(self, x, h=None):
        out, h = self.gru(self.embed(x), h)
        return self.decode(out), h


def streams(s, index):
    ids = torch.tensor([index[c] for c in s])
    return ids[:len(ids) // STREAMS * STREAMS].view(STREAMS, -1)


def spans(data):
    for i in range(0, data.size(1) - SPAN - 1, SPAN):
        yield data[:, i:i + SPAN], data[:, i + 1:i + SPAN + 1]


def main():
    torch.manual_seed(2)
    train_text, val_text = text(12000, 1), text(4000, 2)
    index = {c: i for i, c in enumerate(sorted(set(train_text)))}
    train, val = streams(train_text, index), streams(val_text, index)
    lm = CharLM(len(index))
    opt = torch.optim.Adam(lm.parameters(), lr=4e-3)
    ce = nn.CrossEntropyLoss()
    for epoch in range(5):
        lm.train()
        h, losses = None, []
        for x, y in spans(train):
            if h is not None:
                h = h.detach()
            opt.zero_grad()
            logits, h = lm(x, h)
            loss = ce(logits.flatten(0, 1), y.flatten())
            loss.backward()
            nn.utils.clip_grad_norm_(lm.parameters(), 5.0)
            opt.step()
            losses.append(loss.item())
        lm.eval()
        with torch.no_grad():
            h, vl = None, []
            for x, y in spans(val):
                logits, h = lm(x, h)
                vl.append(ce(logits.flatten(0, 1), y.flatten()).item())
        print(f"epoch {epoch} train {np.mean(losses):.3f} val {np.mean(vl):.3f}")


if __name__ == "__main__":
    main()
