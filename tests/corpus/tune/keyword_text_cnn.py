"""Text CNN (Kim 2014 style) that finds the topic of a message from short phrases in it."""
import random

import torch
import torch.nn as nn
import torch.nn.functional as F


VOCAB, LENGTH, TOPICS = 120, 20, 5


def messages(n, seed):
    phrases = random.Random(1234)
    table = [[tuple(phrases.randrange(1, VOCAB) for _ in range(3)) for _ in range(6)] for _ in range(TOPICS)]
    rng = random.Random(seed)
    xs, ys = [], []
    for _ in range(n):
        topic = rng.randrange(TOPICS)
        words = [rng.randrange(1, VOCAB) for _ in range(LENGTH)]
        for _ in range(2):
            at = rng.randrange(LENGTH - 3)
            words[at:at + 3] = rng.choice(table[topic])
        xs.append(words)
        ys.append(topic)
    return torch.tensor(xs), torch.tensor(ys)


class TextCNN(nn.Module):
    def __init__(self, dim=32, filters=32, widths=(2, 3), p=0.4):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, dim)
        self.convs = nn.ModuleList(nn.Conv1d(dim, filters, w) for w in widths)
        self.fc = nn.Linear(filters * len(widths), TOPICS)
        self.p = p

    def forward(self, tokens):
        e = self.embed(tokens).transpose(1, 2)
        pooled = [F.relu(conv(e)).amax(dim=2) for conv in self.convs]
        h = F.dropout(torch.cat(pooled, dim=1), self.p)
        return self.fc(h)


def iterate(x, y, size, shuffle):
    order = torch.randperm(len(x)) if shuffle else torch.arange(len(x))
    for idx in order.split(size):
        yield x[idx], y[idx]


def main():
    torch.manual_seed(77)
    x_train, y_train = messages(1500, 1)
    x_dev, y_dev = messages(500, 2)
    model = TextCNN()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(1, 9):
        model.train()
        loss_sum = 0.0
        for xb, yb in iterate(x_train, y_train, 50, shuffle=True):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
            loss_sum += loss.item() * len(yb)
        model.eval()
        dev_sum, right = 0.0, 0
        with torch.no_grad():
            for xb, yb in iterate(x_dev, y_dev, 100, shuffle=False):
                logits = model(xb)
                dev_sum += F.cross_entropy(logits, yb).item() * len(yb)
                right += (logits.argmax(1) == yb).sum().item()
        print(f"epoch {epoch} train {loss_sum / len(x_train):.3f} dev {dev_sum / len(x_dev):.3f} accuracy {right / len(x_dev):.3f}")


if __name__ == "__main__":
    main()
