"""Topic classification of short generated posts; Trainer with early stopping that goes back to the best checkpoint."""
import os
import tempfile

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

TOPICS, VOCAB, LENGTH = 5, 500, 20


class Posts(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        world = np.random.default_rng(77)
        base = world.dirichlet(np.full(VOCAB, 0.5))
        themes = [world.dirichlet(np.full(VOCAB, 0.05)) for _ in range(TOPICS)]
        self.y = rng.integers(0, TOPICS, n)
        self.x = np.stack([rng.choice(VOCAB, LENGTH, p=0.75 * base + 0.25 * themes[k]) for k in self.y])

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return torch.from_numpy(self.x[i]), int(self.y[i])


class Trainer:
    def __init__(self, model, train, valid, folder, lr=5e-3, patience=3):
        self.model, self.train_loader, self.valid_loader = model, train, valid
        self.path = os.path.join(folder, "best.pt")
        self.opt = torch.optim.AdamW(model.parameters(), lr=lr)
        self.loss_fn = nn.CrossEntropyLoss()
        self.patience = patience

    def epoch(self):
        self.model.train()
        total = 0.0
        for x, y in self.train_loader:
            self.opt.zero_grad()
            loss = self.loss_fn(self.model(x), y)
            loss.backward()
            self.opt.step()
            total += loss.item()
        return total / len(self.train_loader)

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        loss = hits = n = 0
        for x, y in self.valid_loader:
            out = self.model(x)
            loss += self.loss_fn(out, y).item() * len(y)
            hits += (out.argmax(1) == y).sum().item()
            n += len(y)
        return loss / n, hits / n

    def fit(self, max_epochs):
        best, bad = float("inf"), 0
        for e in range(max_epochs):
            tr = self.epoch()
            va, acc = self.validate()
            print(f"epoch {e} train {tr:.3f} valid {va:.3f} acc {acc:.3f}")
            if va < best:
                best, bad = va, 0
                torch.save(self.model.state_dict(), self.path)
            else:
                bad += 1
                if bad == self.patience:
                    break
        self.model.load_state_dict(torch.load(self.path, weights_only=True))
        print("restored: loss %.3f acc %.3f" % self.validate())


class BagModel(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.emb = nn.EmbeddingBag(VOCAB, dim, mode="mean")
        self.net = nn.Sequential(nn.Dropout(0.1), nn.Linear(dim, 48), nn.ReLU(), nn.Dropout(0.1), nn.Linear(48, TOPICS))

    def forward(self, x):
        return self.net(self.emb(x))


if __name__ == "__main__":
    torch.manual_seed(33)
    train = DataLoader(Posts(1500, 1), batch_size=50, shuffle=True)
    valid = DataLoader(Posts(800, 2), batch_size=400)
    with tempfile.TemporaryDirectory() as folder:
        Trainer(BagModel(), train, valid, folder).fit(40)
