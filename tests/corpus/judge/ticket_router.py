"""Route support tickets to one of five queues with an embedding-bag model."""
import random

import torch
import torch.nn.functional as F
from torch import nn

QUEUES = {
    "billing": "invoice charge refund card payment price tax receipt discount".split(),
    "login": "password account email locked reset code twofactor user session".split(),
    "shipping": "parcel courier delivery address late tracking box customs depot".split(),
    "hardware": "screen battery cable charger broken noise button heat fan".split(),
    "feedback": "love idea suggestion great improve feature wish colour design".split(),
}
FILLER = "the a my is was i it please hello thanks not and with to for since today after again really".split()


def make_ticket(queue, rnd):
    words = [rnd.choice(FILLER) for _ in range(rnd.randint(6, 14))]
    words += [rnd.choice(QUEUES[queue]) for _ in range(rnd.randint(1, 3))]
    if rnd.random() < 0.3:
        words.append(rnd.choice(QUEUES[rnd.choice(list(QUEUES))]))
    rnd.shuffle(words)
    return words


class Router(nn.Module):
    def __init__(self, vocab, n_out, dim=32):
        super().__init__()
        self.embed = nn.EmbeddingBag(vocab, dim, mode="mean")
        self.hidden = nn.Linear(dim, dim)
        self.out = nn.Linear(dim, n_out)

    def forward(self, tokens, offsets):
        h = torch.relu(self.hidden(self.embed(tokens, offsets)))
        return self.scores(h)

    def scores(self, h):
        # one share per queue, shown to the agents next to the ticket
        return F.softmax(self.out(h), dim=-1)


def collate(batch):
    offsets = torch.tensor([0] + [len(t) for t, _ in batch[:-1]]).cumsum(0)
    tokens = torch.tensor([w for t, _ in batch for w in t])
    return tokens, offsets, torch.tensor([y for _, y in batch])


def batches(data, size, rnd=None):
    data = list(data)
    if rnd is not None:
        rnd.shuffle(data)
    for i in range(0, len(data), size):
        yield collate(data[i:i + size])


def main():
    rnd = random.Random(8)
    torch.manual_seed(8)
    names = list(QUEUES)
    words = sorted(set(FILLER) | {w for ws in QUEUES.values() for w in ws})
    index = {w: i for i, w in enumerate(words)}
    data = []
    for i in range(3000):
        y = i % len(names)
        data.append(([index[w] for w in make_ticket(names[y], rnd)], y))
    rnd.shuffle(data)
    train, test = data[:2400], data[2400:]

    model = Router(len(words), len(names))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(8):
        model.train()
        seen = total = 0
        for tokens, offsets, y in batches(train, 50, rnd):
            loss = F.cross_entropy(model(tokens, offsets), y, label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
            seen += len(y)
        model.eval()
        with torch.no_grad():
            ok = sum((model(t, o).argmax(1) == y).sum().item() for t, o, y in batches(test, 200))
        print(f"epoch {epoch}: loss {total / seen:.4f}, test accuracy {ok / len(test):.3f}")


if __name__ == "__main__":
    main()
