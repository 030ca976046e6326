"""Denoising autoencoder for short vibration signals."""
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Vibrations(Dataset):
    def __init__(self, n, seed, length=48):
        g = torch.Generator().manual_seed(seed)
        t = torch.linspace(0, 1, length)
        f = torch.rand(n, 2, 1, generator=g) * torch.tensor([[2.0], [5.0]]) + torch.tensor([[1.0], [4.0]])
        ph = 2 * math.pi * torch.rand(n, 2, 1, generator=g)
        amp = torch.tensor([[1.0], [0.5]])
        self.clean = (amp * torch.sin(2 * math.pi * f * t + ph)).sum(1)
        self.noisy = self.clean + 0.3 * torch.randn(n, length, generator=g)

    def __len__(self):
        return len(self.clean)

    def __getitem__(self, i):
        return self.noisy[i], self.clean[i]


class AutoEncoder(nn.Module):
    def __init__(self, length=48, code=10):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(length, 64), nn.ReLU(), nn.Linear(64, code))
        self.dec = nn.Sequential(nn.Linear(code, 64), nn.ReLU(), nn.Linear(64, length))

    def forward(self, x):
        return self.dec(torch.tanh(self.enc(x)))


class History:
    def __init__(self):
        self.values = {}

    def log(self, name, value):
        self.values.setdefault(name, []).append(value)

    def mean(self, name, last):
        return torch.stack([torch.as_tensor(v) for v in self.values[name][-last:]]).mean().item()


class Trainer:
    def __init__(self, model, train_set, val_set, lr=2e-3, batch_size=32):
        self.model = model
        self.train_loader = DataLoader(train_set, batch_size=batch_size, shuffle=True)
        self.val_loader = DataLoader(val_set, batch_size=256)
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.criterion = nn.MSELoss()
        self.history = History()

    def train_one_epoch(self):
        self.model.train()
        for noisy, clean in self.train_loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(noisy), clean)
            loss.backward()
            self.optimizer.step()
            self.history.log("train/loss", loss)

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        for noisy, clean in self.val_loader:
            self.history.log("val/loss", self.criterion(self.model(noisy), clean).item())

    def fit(self, epochs):
        for epoch in range(epochs):
            self.train_one_epoch()
            self.validate()
            print(f"epoch {epoch + 1}: train {self.history.mean('train/loss', len(self.train_loader)):.4f} "
                  f"val {self.history.mean('val/loss', len(self.val_loader)):.4f}")


if __name__ == "__main__":
    torch.manual_seed(12)
    Trainer(AutoEncoder(), Vibrations(1600, 1), Vibrations(400, 2)).fit(10)
