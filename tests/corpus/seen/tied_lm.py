"""Word-level language model with tied input and output embeddings."""
import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

GRAMMAR = {
    "S": [["NP", "VP", "."], ["NP", "VP", "because", "NP", "VP", "."], ["yesterday", "NP", "VP", "."]],
    "NP": [["the", "N"], ["a", "ADJ", "N"], ["every", "N", "PP"]],
    "VP": [["saw", "NP"], ["walked", "PP"], ["slept"], ["gave", "NP", "PP"]],
    "PP": [["near", "NP2"], ["under", "NP2"], ["with", "NP2"]],
    "NP2": [["the", "N"], ["some", "ADJ", "N"]],
    "N": [[w] for w in "cat dog teacher river engine garden letter pilot stone window baker singer".split()],
    "ADJ": [[w] for w in "small green noisy ancient gentle broken quick".split()],
}


def expand(symbol, rnd):
    if symbol not in GRAMMAR:
        return [symbol]
    return [w for part in rnd.choice(GRAMMAR[symbol]) for w in expand(part, rnd)]


class TiedLM(nn.Module):
    def __init__(self, n_words, dim=40):
        super().__init__()
        self.embed = nn.Embedding(n_words, dim)
        self.gru = nn.GRU(dim, dim, batch_first=True)
        self.decode = nn.Linear(dim, n_words)
        self.decode.weight = self.embed.weight
        nn.init.normal_(self.embed.weight, std=0.1)
        nn.init.zeros_(self.decode.bias)

    def forward(self, ids):
        return self.decode(self.gru(self.embed(ids))[0])


def batches(words, vocab, block=24):
    ids = torch.tensor([vocab[w] for w in words])
    n = (len(ids) - 1) // block
    return TensorDataset(ids[: n * block].view(n, block), ids[1 : n * block + 1].view(n, block))


def main():
    rnd = random.Random(6)
    torch.manual_seed(6)
    train_words = [w for _ in range(2600) for w in expand("S", rnd)]
    valid_words = [w for _ in range(500) for w in expand("S", rnd)]
    vocab = {w: i for i, w in enumerate(sorted(set(train_words)))}
    train = DataLoader(batches(train_words, vocab), batch_size=32, shuffle=True)
    valid = DataLoader(batches(valid_words, vocab), batch_size=64)
    model = TiedLM(len(vocab))
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    for epoch in range(6):
        model.train()
        for x, y in train:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            nll = sum(F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum").item() for x, y in valid)
        nll /= sum(y.numel() for _, y in valid)
        print(f"epoch {epoch + 1}: train {loss.item():.3f}, valid perplexity {torch.tensor(nll).exp():.2f} "
              f"(uniform {len(vocab)})")


if __name__ == "__main__":
    main()
