"""Tag each base of a sequence as intergenic / exon / intron with a BiLSTM."""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

BASE_PROBS = torch.tensor([[0.25, 0.25, 0.25, 0.25], [0.10, 0.40, 0.40, 0.10], [0.45, 0.05, 0.05, 0.45]])


def sample(n, length, g):
    tags = torch.zeros(n, length, dtype=torch.long)
    state = torch.randint(0, 3, (n,), generator=g)
    for t in range(length):
        switch = torch.rand(n, generator=g) < 0.08
        state = torch.where(switch, torch.randint(0, 3, (n,), generator=g), state)
        tags[:, t] = state
    bases = torch.multinomial(BASE_PROBS[tags.flatten()], 1, generator=g).view(n, length)
    return bases, tags


class BaseTagger(nn.Module):
    def __init__(self, n_tags=3, emb=12, hidden=24):
        super().__init__()
        self.embedding = nn.Embedding(4, emb)
        self.lstm = nn.LSTM(emb, hidden, batch_first=True, bidirectional=True)
        self.hidden2tag = nn.Linear(2 * hidden, n_tags)

    def forward(self, bases):
        out, _ = self.lstm(self.embedding(bases))
        tag_space = self.hidden2tag(out)
        return F.log_softmax(tag_space, dim=1)


class Experiment:
    def __init__(self, opts):
        self.opts = opts
        g = torch.Generator().manual_seed(opts.seed)
        self.train_dl = DataLoader(TensorDataset(*sample(600, 40, g)), batch_size=24, shuffle=True)
        self.test_dl = DataLoader(TensorDataset(*sample(150, 40, g)), batch_size=75)
        self.model = BaseTagger()
        self.loss = nn.NLLLoss()
        self.optim = torch.optim.Adam(self.model.parameters(), lr=opts.lr)

    def step(self, bases, tags):
        self.optim.zero_grad()
        scores = self.model(bases)
        loss = self.loss(scores.reshape(-1, scores.size(-1)), tags.reshape(-1))
        loss.backward()
        self.optim.step()
        return loss.item()

    def test(self):
        self.model.eval()
        good = total = 0
        with torch.no_grad():
            for bases, tags in self.test_dl:
                good += (self.model(bases).argmax(-1) == tags).sum().item()
                total += tags.numel()
        return good / total

    def run(self):
        for epoch in range(self.opts.epochs):
            self.model.train()
            losses = [self.step(b, t) for b, t in self.train_dl]
            print(f"epoch {epoch}: loss {sum(losses) / len(losses):.3f} token acc {self.test():.3f}")


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=6)
    p.add_argument("--lr", type=float, default=5e-3)
    p.add_argument("--seed", type=int, default=9)
    opts = p.parse_args()
    torch.manual_seed(opts.seed)
    Experiment(opts).run()
