"""Leaf outlines (radius over angle) of five invented species, 1-d CNN, Trainer class."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

N_ANGLES = 48


def outlines(n, seed):
    rng = np.random.default_rng(seed)
    a = np.linspace(0, 2 * np.pi, N_ANGLES, endpoint=False)
    lobes = np.array([2, 3, 5, 7, 9])
    y = rng.integers(0, 5, n)
    depth = rng.uniform(0.08, 0.3, (n, 1))
    phase = rng.uniform(0, 2 * np.pi, (n, 1))
    r = 1 + depth * np.cos(lobes[y][:, None] * a + phase) + 0.15 * np.cos(a + rng.uniform(0, 6.28, (n, 1)))
    r += rng.normal(0, 0.1, r.shape)
    r = (r - r.mean(1, keepdims=True)) / 0.2
    return TensorDataset(torch.tensor(r[:, None], dtype=torch.float32), torch.tensor(y))


class LeafNet(nn.Module):
    def __init__(self, n_classes=5, ch=16):
        super().__init__()
        self.block1 = nn.Sequential(nn.Conv1d(1, ch, 5, padding=2, padding_mode="circular"), nn.ReLU(), nn.MaxPool1d(2))
        self.block2 = nn.Sequential(nn.Conv1d(ch, 2 * ch, 5, padding=2, padding_mode="circular"), nn.ReLU(), nn.MaxPool1d(2))
        self.block3 = nn.Sequential(nn.Conv1d(2 * ch, 2 * ch, 5, padding=2, padding_mode="circular"), nn.ReLU())
        self.fc = nn.Linear(2 * ch, n_classes)

    def forward(self, x):
        h = self.block3(self.block2(self.block1(x)))
        return self.fc(h.amax(dim=2))


class Trainer:
    def __init__(self, model, train_data, valid_data, lr=0.002, batch_size=50, log=print):
        self.model, self.log = model, log
        self.train_loader = DataLoader(train_data, batch_size=batch_size, shuffle=True)
        self.valid_loader = DataLoader(valid_data, batch_size=250)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(model.parameters(), lr=lr)

    def on_epoch_start(self):
        self.model.train()
        self.optimizer.zero_grad()
        self.seen, self.loss_sum = 0, 0.0

    def train_step(self, x, y):
        loss = self.criterion(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        self.loss_sum += loss.item() * len(y)
        self.seen += len(y)

    def on_epoch_end(self, epoch):
        self.model.eval()
        loss = hits = 0
        with torch.no_grad():
            for x, y in self.valid_loader:
                out = self.model(x)
                loss += self.criterion(out, y).item() * len(y)
                hits += (out.argmax(1) == y).sum().item()
        n = len(self.valid_loader.dataset)
        self.log(f"epoch {epoch}: train {self.loss_sum / self.seen:.3f}, valid {loss / n:.3f}, acc {hits / n:.3f}")

    def run(self, epochs):
        for epoch in range(epochs):
            self.on_epoch_start()
            for x, y in self.train_loader:
                self.train_step(x, y)
            self.on_epoch_end(epoch)


if __name__ == "__main__":
    torch.manual_seed(30)
    Trainer(LeafNet(), outlines(2000, 1), outlines(500, 2)).run(8)
