"""Sentiment of generated product reviews with averaged word embeddings."""
import random

import torch
from torch import nn
from torch.utils.data import DataLoader

GOOD = "great lovely sturdy fast bright quiet tasty comfy".split()
BAD = "broken slow noisy dull bland flimsy late sticky".split()
FILL = "the a box lamp chair kettle came was very and it my with on day we had this that red blue".split()


def review(rng):
    label = rng.randint(0, 1)
    words = [rng.choice(FILL) for _ in range(rng.randint(6, 14))]
    for _ in range(rng.randint(1, 4)):
        pool = GOOD if (label == 1) == (rng.random() < 0.85) else BAD
        words.insert(rng.randrange(len(words)), rng.choice(pool))
    return " ".join(words), label


class Vocab:
    def __init__(self, texts):
        self.index = {w: i for i, w in enumerate(sorted({w for t in texts for w in t.split()}))}

    def encode(self, text):
        return torch.tensor([self.index[w] for w in text.split()])


class ReviewTrainer:
    def __init__(self, vocab, lr=5e-3):
        self.vocab = vocab
        self.model = nn.ModuleDict({"emb": nn.EmbeddingBag(len(vocab.index), 16, mode="mean"),
                                    "mlp": nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))})
        self.opt = torch.optim.Adam(self.model.parameters(), lr=lr)
        self.sched = torch.optim.lr_scheduler.ExponentialLR(self.opt, gamma=0.85)
        self.loss_fn = nn.BCEWithLogitsLoss()

    def collate(self, rows):
        ids = [self.vocab.encode(t) for t, _ in rows]
        offsets = torch.tensor([0] + [len(i) for i in ids[:-1]]).cumsum(0)
        return torch.cat(ids), offsets, torch.tensor([float(l) for _, l in rows])

    def forward(self, ids, offsets):
        return self.model["mlp"](self.model["emb"](ids, offsets)).squeeze(1)

    def training_step(self, batch):
        ids, offsets, label = batch
        loss = self.loss_fn(self.forward(ids, offsets), label)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        self.sched.step()
        return loss.item()

    def fit(self, train, val, epochs):
        for epoch in range(epochs):
            self.model.train()
            losses = [self.training_step(b) for b in train]
            print(f"epoch {epoch}: loss {sum(losses) / len(losses):.4f}, val {self.validate(val)}")

    @torch.no_grad()
    def validate(self, val):
        self.model.eval()
        loss, right, n = 0.0, 0, 0
        for ids, offsets, label in val:
            out = self.forward(ids, offsets)
            loss += self.loss_fn(out, label).item() * len(label)
            right += ((out > 0).float() == label).sum().item()
            n += len(label)
        return f"loss {loss / n:.4f} acc {right / n:.3f}"


if __name__ == "__main__":
    torch.manual_seed(0)
    rng = random.Random(0)
    rows, held = [review(rng) for _ in range(2000)], [review(rng) for _ in range(500)]
    trainer = ReviewTrainer(Vocab([t for t, _ in rows]))
    trainer.fit(DataLoader(rows, 40, shuffle=True, collate_fn=trainer.collate),
                DataLoader(held, 250, collate_fn=trainer.collate), epochs=10)
