import random
from collections import Counter

import torch
from torch import nn

TOPICS = {
    "sport": "match goal league coach striker final season team win injury transfer stadium referee cup".split(),
    "finance": "bank shares profit market rates bond deal merger quarter investors tax budget inflation loan".split(),
    "science": "study cells telescope planet vaccine gene physicists fossil climate species ocean trial laser ice".split(),
    "culture": "film album festival novel actor museum painting theatre premiere singer award gallery series opera".split(),
}
COMMON = "new after says over first from in on for as with set back report day week year plan big city".split()


def headline(topic, r):
    words = [r.choice(COMMON) for _ in range(r.randint(4, 7))]
    words += [r.choice(TOPICS[topic]) for _ in range(r.randint(1, 3))]
    r.shuffle(words)
    return " ".join(words)


class Vocabulary:
    def __init__(self, texts, min_count=2):
        counts = Counter(w for t in texts for w in t.split())
        self.itos = ["<pad>", "<unk>"] + sorted(w for w, c in counts.items() if c >= min_count)
        self.stoi = {w: i for i, w in enumerate(self.itos)}

    def __len__(self):
        return len(self.itos)

    def encode(self, text, length=12):
        ids = [self.stoi.get(w, 1) for w in text.split()][:length]
        return ids + [0] * (length - len(ids))


class TextCNN(nn.Module):
    def __init__(self, vocab_size, dim, n_filters, n_classes):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, dim, padding_idx=0)
        self.convs = nn.ModuleList(nn.Conv1d(dim, n_filters, k, padding=k // 2) for k in (1, 3))
        self.classifier = nn.Linear(2 * n_filters, n_classes)

    def forward(self, ids):
        x = self.embedding(ids).transpose(1, 2)
        pooled = [torch.relu(conv(x)).amax(dim=2) for conv in self.convs]
        return self.classifier(torch.cat(pooled, dim=1))


def make_model(vocab, labels):
    return TextCNN(len(vocab), 24, 24, len(vocab))


def main():
    r = random.Random(12)
    torch.manual_seed(12)
    labels = sorted(TOPICS)
    rows = [(headline(labels[i % 4], r), i % 4) for i in range(2400)]
    rows = list(dict(rows).items())
    r.shuffle(rows)
    train, test = rows[:1900], rows[1900:]
    vocab = Vocabulary([t for t, _ in train])
    tensors = lambda part: (torch.tensor([vocab.encode(t) for t, _ in part]), torch.tensor([y for _, y in part]))
    x_tr, y_tr = tensors(train)
    x_te, y_te = tensors(test)

    model = make_model(vocab, labels)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(6):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x_tr)).split(50):
            optimizer.zero_grad()
            loss = criterion(model(x_tr[idx]), y_tr[idx])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        model.eval()
        with torch.no_grad():
            out = model(x_te)
        print(f"epoch {epoch}  train {total / len(x_tr):.4f}  test {criterion(out, y_te).item():.4f}  acc {(out.argmax(1) == y_te).float().mean():.3f}")


if __name__ == "__main__":
    main()
