"""Ticket routing: variable-length token lists, EmbeddingBag and a custom collate function."""
import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

TEAMS = ["billing", "network", "hardware", "accounts"]
COMMON = [f"w{i}" for i in range(30)]
TYPICAL = {team: [f"{team}_{i}" for i in range(8)] for team in TEAMS}


class Tickets(Dataset):
    def __init__(self, n, seed):
        rnd = random.Random(seed)
        self.rows = []
        for _ in range(n):
            team = rnd.choice(TEAMS)
            words = rnd.choices(COMMON, k=rnd.randint(4, 10)) + rnd.choices(TYPICAL[team], k=rnd.randint(1, 3))
            if rnd.random() < 0.3:
                words += rnd.choices(TYPICAL[rnd.choice(TEAMS)], k=1)
            rnd.shuffle(words)
            self.rows.append((words, TEAMS.index(team)))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


class Collate:
    def __init__(self, vocabulary):
        self.index = {w: i for i, w in enumerate(vocabulary)}

    def __call__(self, rows):
        ids, offsets = [], []
        for words, _ in rows:
            offsets.append(len(ids))
            ids += [self.index[w] for w in words]
        return torch.tensor(ids), torch.tensor(offsets), torch.tensor([t for _, t in rows])


class Router(nn.Module):
    def __init__(self, vocab, dim=24):
        super().__init__()
        self.bag = nn.EmbeddingBag(vocab, dim, mode="mean")
        self.head = nn.Sequential(nn.Linear(dim, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, len(TEAMS)))

    def forward(self, ids, offsets):
        return self.head(self.bag(ids, offsets))


def main():
    torch.manual_seed(8)
    vocabulary = COMMON + [w for team in TEAMS for w in TYPICAL[team]]
    collate = Collate(vocabulary)
    train = DataLoader(Tickets(1800, 1), batch_size=40, shuffle=True, collate_fn=collate)
    val = DataLoader(Tickets(600, 2), batch_size=200, collate_fn=collate)
    model = Router(len(vocabulary))
    opt = torch.optim.Adam(model.parameters(), lr=4e-3)
    ce = nn.CrossEntropyLoss()
    for epoch in range(7):
        model.train()
        total = 0.0
        for ids, offsets, y in train:
            opt.zero_grad()
            loss = ce(model(ids, offsets), y)
            loss.backward()
            opt.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            n = hits = vl = 0
            for ids, offsets, y in val:
                z = model(ids, offsets)
                vl += ce(z, y).item() * len(y)
                hits += (z.argmax(1) == y).sum().item()
                n += len(y)
        print(f"epoch {epoch}: train {total / len(train):.3f} val {vl / n:.3f} accuracy {hits / n:.3f}")


if __name__ == "__main__":
    main()
