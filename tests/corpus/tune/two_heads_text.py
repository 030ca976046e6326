"""Joint topic and sentiment prediction for short token sequences (GRU encoder, two heads)."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

VOCAB, LEN = 60, 12


def corpus(n, seed):
    g = torch.Generator().manual_seed(seed)
    topic = torch.randint(0, 4, (n,), generator=g)
    mood = torch.randint(0, 3, (n,), generator=g)
    words = torch.randint(30, VOCAB, (n, LEN), generator=g)
    spots = torch.rand(n, LEN, generator=g).argsort(1)
    for k in range(3):
        words[torch.arange(n), spots[:, k]] = topic * 4 + torch.randint(0, 4, (n,), generator=g)
    for k in range(3, 5):
        words[torch.arange(n), spots[:, k]] = 16 + mood * 4 + torch.randint(0, 4, (n,), generator=g)
    return TensorDataset(words, topic, mood)


class Reader(nn.Module):
    def __init__(self, dim=24, hidden=40):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, dim)
        self.rnn = nn.GRU(dim, hidden, batch_first=True)
        self.topic = nn.Linear(hidden, 4)
        self.mood = nn.Sequential(nn.Linear(hidden, 24), nn.ReLU(), nn.Linear(24, 3), nn.Softmax(dim=-1))

    def forward(self, tokens):
        states, _ = self.rnn(self.emb(tokens))
        summary = states.mean(1)
        return self.topic(summary), self.mood(summary)


def step_loss(model, batch):
    tokens, topic, mood = batch
    t, m = model(tokens)
    loss = F.cross_entropy(t, topic) + F.cross_entropy(m, mood)
    hits = (t.argmax(1) == topic).sum().item(), (m.argmax(1) == mood).sum().item()
    return loss, hits


def main():
    torch.manual_seed(5)
    train = DataLoader(corpus(1600, 0), batch_size=40, shuffle=True)
    dev = DataLoader(corpus(500, 1), batch_size=250)
    model = Reader()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    for epoch in range(10):
        model.train()
        for batch in train:
            optimizer.zero_grad()
            loss, _ = step_loss(model, batch)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
        model.eval()
        tot, ht, hm = 0.0, 0, 0
        with torch.no_grad():
            for batch in dev:
                loss, (a, b) = step_loss(model, batch)
                tot += loss.item() / len(dev)
                ht, hm = ht + a, hm + b
        print(f"{epoch:2d} dev loss {tot:.3f} topic {ht / 500:.3f} mood {hm / 500:.3f}")


if __name__ == "__main__":
    main()
