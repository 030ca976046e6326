"""GRU on short motion traces (3 gestures)."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

np.random.seed(13)
torch.manual_seed(13)
STEPS = 20


def trace(kind):
    t = np.linspace(0, 1, STEPS)
    w = np.random.uniform(0.8, 1.2)
    if kind == 0:
        xy = np.stack([np.cos(6 * w * t), np.sin(6 * w * t)])
    elif kind == 1:
        xy = np.stack([2 * t - 1, np.sin(9 * w * t)])
    else:
        xy = np.stack([2 * t - 1, np.abs(2 * t - 1) * w])
    return (xy + np.random.normal(0, 0.25, xy.shape)).T


def make(n):
    kinds = np.random.randint(0, 3, n)
    return TensorDataset(torch.tensor(np.stack([trace(k) for k in kinds]), dtype=torch.float32), torch.tensor(kinds))


class GestureRNN(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.gru = nn.GRU(2, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 3)

    def forward(self, seq):
        _, h = self.gru(seq)
        return self.out(h[-1])


class Experiment:
    def __init__(self):
        self.train_loader = DataLoader(make(900), batch_size=45, shuffle=True)
        self.test_loader = DataLoader(make(300), batch_size=100)
        self.model = GestureRNN()
        self.loss = nn.CrossEntropyLoss()
        self.opt = torch.optim.Adam(self.model.parameters(), lr=5e-3)

    def training_step(self, batch):
        seq, kind = batch
        self.opt.zero_grad()
        loss = self.loss(self.model(seq), kind)
        loss.backward()
        return loss.item()

    def test(self):
        self.model.eval()
        with torch.no_grad():
            right = [(self.model(s).argmax(1) == k).float().mean().item() for s, k in self.test_loader]
        self.model.train()
        return sum(right) / len(right)

    def run(self, epochs=6):
        for e in range(epochs):
            losses = [self.training_step(b) for b in self.train_loader]
            print(f"epoch {e}: mean loss {np.mean(losses):.4f}, test accuracy {self.test():.3f}")


Experiment().run()
