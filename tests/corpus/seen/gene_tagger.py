from dataclasses import dataclass

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence

LETTERS = "ACGT"


@dataclass
class Batch:
    tokens: torch.Tensor
    tags: torch.Tensor


def strand(gen):
    """Marks the 6 letters that follow an 'ATG'; everything else is background."""
    n = int(torch.randint(24, 48, (1,), generator=gen))
    s = torch.randint(4, (n,), generator=gen)
    for _ in range(2):
        p = int(torch.randint(n - 3, (1,), generator=gen))
        s[p:p + 3] = torch.tensor([0, 3, 2])
    tags = torch.zeros(n, dtype=torch.long)
    for i in range(n - 3):
        if s[i:i + 3].tolist() == [0, 3, 2]:
            tags[i:i + 3] = 1
            tags[i + 3:i + 9] = 2
    return s + 1, tags


def batches(strands, size, order):
    for k in range(0, len(order), size):
        s, t = zip(*(strands[i] for i in order[k:k + size]))
        yield Batch(pad_sequence(s, True, 0), pad_sequence(t, True, -100))


class ConvTagger(nn.Module):
    def __init__(self, d=24, h=32):
        super().__init__()
        self.emb = nn.Embedding(5, d, padding_idx=0)
        self.rnn = nn.GRU(d, h, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * h, 3)

    def forward(self, tokens):
        return self.out(self.rnn(self.emb(tokens))[0])


def main():
    torch.manual_seed(35)
    gen = torch.Generator().manual_seed(35)
    train, dev = [strand(gen) for _ in range(600)], [strand(gen) for _ in range(150)]
    model = ConvTagger()
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    criterion = nn.CrossEntropyLoss(ignore_index=-100)
    for epoch in range(5):
        model.train()
        total = steps = 0
        for b in batches(train, 30, torch.randperm(600).tolist()):
            opt.zero_grad()
            loss = criterion(model(b.tokens).transpose(1, 2), b.tags)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            total, steps = total + loss.item(), steps + 1
        model.eval()
        ok = n = 0
        with torch.no_grad():
            for b in batches(dev, 75, list(range(150))):
                real = b.tags >= 0
                ok += (model(b.tokens).argmax(-1) == b.tags)[real].sum().item()
                n += real.sum().item()
        print(f"epoch {epoch} loss {total / steps:.3f} dev token accuracy {ok / n:.3f}")


if __name__ == "__main__":
    main()
