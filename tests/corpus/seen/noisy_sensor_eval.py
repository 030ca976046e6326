import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Compose:
    def __init__(self, *fs):
        self.fs = fs

    def __call__(self, x):
        for f in self.fs:
            x = f(x)
        return x


class Gain:
    def __init__(self, low, high):
        self.low, self.high = low, high

    def __call__(self, x):
        return x * torch.empty(1).uniform_(self.low, self.high)


class TimeShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, x):
        k = int(torch.randint(-self.most, self.most + 1, (1,)))
        return torch.roll(x, k, dims=-1)


class Hiss:
    def __init__(self, sigma):
        self.sigma = sigma

    def __call__(self, x):
        return x + self.sigma * torch.randn_like(x)


class Vibrations(Dataset):
    """Bearing vibrations, three states of wear."""

    def __init__(self, count, seed, transform=None):
        r = np.random.default_rng(seed)
        t = np.arange(64) / 64
        self.state = r.integers(0, 3, count)
        f = 4 + 2 * self.state[:, None]
        sig = np.sin(2 * np.pi * (f * t + r.random((count, 1)))) + 0.6 * r.normal(size=(count, 64))
        self.sig = torch.tensor(sig, dtype=torch.float32)[:, None]
        self.transform = transform

    def __len__(self):
        return len(self.state)

    def __getitem__(self, i):
        x = self.sig[i]
        if self.transform is not None:
            x = self.transform(x)
        return x, int(self.state[i])


torch.manual_seed(70)
tf = Compose(Gain(0.6, 1.4), TimeShift(8), Hiss(0.4))
train_loader = DataLoader(Vibrations(1000, 1, transform=tf), batch_size=40, shuffle=True)
valid_loader = DataLoader(Vibrations(300, 2, transform=tf), batch_size=100)
model = nn.Sequential(
    nn.Conv1d(1, 16, 9, padding=4), nn.ReLU(), nn.MaxPool1d(2),
    nn.Conv1d(16, 16, 9, padding=4), nn.ReLU(), nn.AdaptiveMaxPool1d(4), nn.Flatten(), nn.Linear(64, 3))
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(7):
    model.train()
    for x, y in train_loader:
        loss = nn.functional.cross_entropy(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        acc = np.mean([(model(x).argmax(1) == y).float().mean().item() for x, y in valid_loader])
    print(f"epoch {epoch}  loss {loss.item():.3f}  valid acc {acc:.3f}")
