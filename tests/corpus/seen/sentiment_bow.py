"""Bag-of-embeddings sentiment on generated reviews."""
import random
import torch
from torch import nn

random.seed(4)
torch.manual_seed(4)

good = "great lovely superb charming bright fine witty warm".split()
bad = "dull awful clumsy boring bleak weak silly cold".split()
neutral = ("the film was a story of two people in some town and their dog plot actor scene camera "
           "music script ending hour screen seat ticket popcorn evening").split()
vocab = {w: i for i, w in enumerate(good + bad + neutral)}


def review():
    label = random.randint(0, 1)
    words = random.choices(neutral, k=12)
    main, other = (good, bad) if label else (bad, good)
    words += random.choices(main, k=3) + random.choices(other, k=random.randint(0, 2))
    random.shuffle(words)
    words = (words + ["the"] * 17)[:17]
    return [vocab[w] for w in words], float(label)


reviews = [review() for _ in range(2400)]
tokens = torch.tensor([r[0] for r in reviews])
labels = torch.tensor([r[1] for r in reviews])
tok_tr, lab_tr, tok_te, lab_te = tokens[:2000], labels[:2000], tokens[2000:], labels[2000:]


class Sentiment(nn.Module):
    def __init__(self, n_words, dim=16):
        super().__init__()
        self.emb = nn.Embedding(n_words, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, t):
        return self.mlp(self.emb(t).mean(1)).squeeze(1)


model = Sentiment(len(vocab))
bce = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

for epoch in range(10):
    order = torch.randperm(len(tok_tr))
    losses = []
    for i in range(0, len(order), 40):
        b = order[i:i + 40]
        loss = bce(model(tok_tr[b]), lab_tr[b])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        acc = ((model(tok_te) > 0) == lab_te.bool()).float().mean().item()
    print(f"{epoch:2d} loss {sum(losses) / len(losses):.4f} test acc {acc:.4f}")
