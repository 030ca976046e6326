"""Word-level language model on a toy grammar; input and output embeddings are shared (Press & Wolf, 2017)."""
import random
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

DET = ["the", "a", "every", "some"]
ADJ = "old young red green small tall quiet angry happy tired lazy clever".split()
NOUN = "cat dog farmer teacher pilot river house garden bird child doctor sailor king fox horse baker".split()
VERB = "sees chases finds likes paints follows visits hears carries forgets".split()
ADV = "quickly slowly today often rarely gladly".split()
PREP = ["near", "behind", "under", "with"]


@dataclass
class HParams:
    dim: int = 128
    bptt: int = 20
    batch_size: int = 16
    lr: float = 2e-3
    epochs: int = 3
    seed: int = 17


def noun_phrase(r):
    return [r.choice(DET)] + ([r.choice(ADJ)] if r.random() < 0.5 else []) + [r.choice(NOUN)]


def sentence(r):
    s = noun_phrase(r) + [r.choice(VERB)] + noun_phrase(r)
    if r.random() < 0.4:
        s += [r.choice(PREP)] + noun_phrase(r)
    if r.random() < 0.3:
        s += [r.choice(ADV)]
    return s + ["."]


class TiedLM(nn.Module):
    def __init__(self, vocab, dim):
        super().__init__()
        self.tok = nn.Embedding(vocab, dim)
        self.rnn = nn.GRU(dim, dim, batch_first=True)
        self.norm = nn.LayerNorm(dim)
        self.bias = nn.Parameter(torch.zeros(vocab))

    def forward(self, tokens):
        h, _ = self.rnn(self.tok(tokens))
        return F.linear(self.norm(h), self.tok.weight, self.bias)


def blocks(ids, bptt):
    n = (len(ids) - 1) // bptt
    x = torch.tensor(ids[:n * bptt]).view(n, bptt)
    y = torch.tensor(ids[1:n * bptt + 1]).view(n, bptt)
    return x, y


def main(hp=HParams()):
    r = random.Random(hp.seed)
    torch.manual_seed(hp.seed)
    vocab = sorted(set(DET + ADJ + NOUN + VERB + ADV + PREP + ["."]))
    index = {w: i for i, w in enumerate(vocab)}
    corpus = lambda n: [index[w] for _ in range(n) for w in sentence(r)]
    x_tr, y_tr = blocks(corpus(2500), hp.bptt)
    x_va, y_va = blocks(corpus(600), hp.bptt)
    model = TiedLM(len(vocab), hp.dim)
    optimizer = torch.optim.AdamW(model.parameters(), lr=hp.lr, weight_decay=0.01)
    step = 0
    for epoch in range(hp.epochs):
        model.train()
        for idx in torch.randperm(len(x_tr)).split(hp.batch_size):
            logits = model(x_tr[idx])
            loss = F.cross_entropy(logits.flatten(0, 1), y_tr[idx].flatten())
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
            optimizer.step()
            if step % 25 == 0:
                print(f"step {step:4d}  loss {loss.item():.3f}")
            step += 1
        model.eval()
        with torch.no_grad():
            val = F.cross_entropy(model(x_va).flatten(0, 1), y_va.flatten()).item()
        print(f"== epoch {epoch}: valid {val:.3f}")


if __name__ == "__main__":
    main()
