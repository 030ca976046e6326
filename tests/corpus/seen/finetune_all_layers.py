"""Small text-CNN for sentiment; the recipe is shared with the encoder project."""
from dataclasses import dataclass, asdict

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass(frozen=True)
class Recipe:
    lr: float = 2e-6
    weight_decay: float = 0.01
    epochs: int = 6
    batch_size: int = 32
    seed: int = 500


def corpus(n, seed, vocab=90, length=20):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(2, (n,), generator=g)
    tok = torch.randint(10, vocab, (n, length), generator=g)
    # positive and negative words, five of each, three per text
    for k in range(3):
        pos = torch.randint(length, (n,), generator=g)
        word = torch.randint(5, (n,), generator=g) + 5 * y
        tok[torch.arange(n), pos] = word
    return TensorDataset(tok, y)


class TextCNN(nn.Module):
    def __init__(self, vocab=90, d=32):
        super().__init__()
        self.emb = nn.Embedding(vocab, d)
        self.convs = nn.ModuleList([nn.Conv1d(d, 24, k, padding=k // 2) for k in (1, 3)])
        self.fc = nn.Linear(48, 2)

    def forward(self, tok):
        e = self.emb(tok).transpose(1, 2)
        return self.fc(torch.cat([torch.relu(c(e)).amax(2) for c in self.convs], 1))


def main(r: Recipe):
    print(asdict(r))
    torch.manual_seed(r.seed)
    train, test = corpus(2000, 1), corpus(500, 2)
    model = TextCNN()
    opt = torch.optim.AdamW(model.parameters(), lr=r.lr, weight_decay=r.weight_decay)
    for epoch in range(r.epochs):
        model.train()
        tot = 0.0
        for tok, y in DataLoader(train, batch_size=r.batch_size, shuffle=True):
            loss = nn.functional.cross_entropy(model(tok), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item() * len(y)
        model.eval()
        with torch.no_grad():
            out = model(test.tensors[0])
            acc = (out.argmax(1) == test.tensors[1]).float().mean().item()
        print(f"epoch {epoch}: loss {tot / len(train):.4f} acc {acc:.3f}")


main(Recipe())
