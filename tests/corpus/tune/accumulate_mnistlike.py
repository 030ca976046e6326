from dataclasses import dataclass

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class HP:
    micro_batch: int = 8
    accumulate: int = 4
    epochs: int = 8
    lr: float = 2e-3
    seed: int = 5


class Learner:
    def __init__(self, hp):
        self.hp = hp
        torch.manual_seed(hp.seed)
        d = load_digits()
        a, b, c, e = train_test_split(d.data, d.target, test_size=0.25, random_state=hp.seed, stratify=d.target)
        to = lambda v: torch.tensor(v / 16.0, dtype=torch.float32)
        self.train_dl = DataLoader(TensorDataset(to(a), torch.tensor(c)), batch_size=hp.micro_batch, shuffle=True)
        self.test_dl = DataLoader(TensorDataset(to(b), torch.tensor(e)), batch_size=450)
        self.net = nn.Sequential(nn.Linear(64, 96), nn.LayerNorm(96), nn.ReLU(), nn.Linear(96, 10))
        self.opt = torch.optim.Adam(self.net.parameters(), lr=hp.lr)
        self.ce = nn.CrossEntropyLoss()

    def epoch(self):
        self.net.train()
        k, n = self.hp.accumulate, len(self.train_dl)
        tail = n % k
        total = 0.0
        for i, (x, y) in enumerate(self.train_dl):
            group = tail if tail and i >= n - tail else k
            loss = self.ce(self.net(x), y) / group
            loss.backward()
            total += loss.item() * group
            if (i + 1) % k == 0 or i + 1 == n:
                self.opt.step()
                self.opt.zero_grad(set_to_none=True)
        return total / n

    @torch.no_grad()
    def test(self):
        self.net.eval()
        return sum((self.net(x).argmax(1) == y).sum().item() for x, y in self.test_dl) / len(self.test_dl.dataset)


learner = Learner(HP())
for ep in range(learner.hp.epochs):
    print("epoch", ep + 1, "loss %.4f acc %.4f" % (learner.epoch(), learner.test()))
