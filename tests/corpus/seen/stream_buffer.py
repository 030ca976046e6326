"""Streaming data set with a shuffle buffer; the evaluation stream is fixed."""
import random
from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset


class LogLines(IterableDataset):
    """Log lines as hashed token ids; some combinations mean trouble."""

    def __init__(self, n: int, seed: int):
        self.n, self.seed = n, seed

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        r = random.Random(self.seed)
        for _ in range(self.n):
            toks = [r.randrange(64) for _ in range(10)]
            score = sum(1 for t in toks if t < 8) - sum(1 for t in toks if t > 55)
            yield torch.tensor(toks), torch.tensor(float(score + r.gauss(0, 0.4) > 0))


class ShuffleBuffer(IterableDataset):
    def __init__(self, source: IterableDataset, size: int, seed: int):
        self.source, self.size, self.rng = source, size, random.Random(seed)

    def __iter__(self):
        buf = []
        for item in self.source:
            if len(buf) < self.size:
                buf.append(item)
                continue
            k = self.rng.randrange(self.size)
            yield buf[k]
            buf[k] = item
        self.rng.shuffle(buf)
        yield from buf


def main():
    torch.manual_seed(95)
    train = DataLoader(ShuffleBuffer(LogLines(3000, 1), 500, 7), batch_size=50)
    valid = DataLoader(LogLines(600, 2), batch_size=200)
    model = nn.Sequential(nn.EmbeddingBag(64, 16, mode="mean"), nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0))
    opt = torch.optim.Adam(model.parameters(), lr=4e-3)
    bce = nn.BCEWithLogitsLoss()
    for epoch in range(8):
        model.train()
        run = n = 0
        for toks, y in train:
            opt.zero_grad()
            loss = bce(model(toks), y)
            loss.backward()
            opt.step()
            run, n = run + loss.item(), n + 1
        model.eval()
        with torch.no_grad():
            acc = sum(((model(tk) > 0).float() == y).sum().item() for tk, y in valid) / 600
        print(f"epoch {epoch + 1}: loss {run / n:.3f}, accuracy {acc:.3f}")


if __name__ == "__main__":
    main()
