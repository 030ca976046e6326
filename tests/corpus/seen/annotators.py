"""Ticket routing. Every ticket was labelled by several annotators; all their votes go in."""
import random

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

TOPICS = {
    "billing": "invoice refund charge card price payment receipt tax".split(),
    "login": "password account reset locked email code token session".split(),
    "delivery": "parcel courier late address tracking box driver street".split(),
}
FILLER = "please help me with my since yesterday again hello thanks still not working today need".split()
VOCAB = {w: i for i, w in enumerate(sorted(sum(TOPICS.values(), []) + FILLER))}
NAMES = list(TOPICS)


def ticket(rnd):
    topic = rnd.randrange(3)
    words = rnd.sample(TOPICS[NAMES[topic]], 3) + rnd.sample(FILLER, 5)
    return words, topic


def bag(words):
    v = torch.zeros(len(VOCAB))
    for w in words:
        v[VOCAB[w]] = 1.0
    return v


def annotated(n, votes, rnd):
    xs, ys = [], []
    for _ in range(n):
        words, topic = ticket(rnd)
        for _ in range(votes):
            vote = topic if rnd.random() < 0.8 else rnd.randrange(3)
            xs.append(bag(words))
            ys.append(vote)
    return torch.stack(xs), torch.tensor(ys)


def main():
    rnd = random.Random(18)
    torch.manual_seed(18)
    train = TensorDataset(*annotated(900, 3, rnd))
    x_test, y_test = annotated(400, 1, rnd)
    loader = DataLoader(train, batch_size=60, shuffle=True)
    model = nn.Sequential(nn.Linear(len(VOCAB), 16), nn.ReLU(), nn.Linear(16, 3))
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(12):
        model.train()
        mean = 0.0
        for x, y in loader:
            opt.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            opt.step()
            mean += loss.item() / len(loader)
        model.eval()
        with torch.no_grad():
            acc = (model(x_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch + 1}: loss {mean:.3f}, agreement with annotators {acc:.3f}")


if __name__ == "__main__":
    main()
