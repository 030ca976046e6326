"""Spoken digit style classification of short waveforms with random shift and gain."""
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Waves(Dataset):
    FREQS = (3.0, 4.5, 6.0, 8.0)

    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        self.label = torch.randint(0, 4, (n,), generator=g)
        t = torch.linspace(0, 1, 64)
        f = torch.tensor(self.FREQS)[self.label].unsqueeze(1)
        f = f * (1 + 0.05 * torch.randn(n, 1, generator=g))
        phase = 2 * math.pi * torch.rand(n, 1, generator=g)
        self.wave = torch.sin(2 * math.pi * f * t + phase) + 0.6 * torch.randn(n, 64, generator=g)

    def augment(self, w):
        shift = int(torch.randint(-8, 9, (1,)))
        gain = 0.7 + 0.6 * torch.rand(1)
        return torch.roll(w, shift) * gain + 0.3 * torch.randn_like(w)

    def __len__(self):
        return len(self.label)

    def __getitem__(self, i):
        return self.augment(self.wave[i]).unsqueeze(0), self.label[i]


def main():
    torch.manual_seed(35)
    train_loader = DataLoader(Waves(1200, 1), batch_size=40, shuffle=True)
    val_loader = DataLoader(Waves(300, 2), batch_size=100)
    model = nn.Sequential(
        nn.Conv1d(1, 16, 9, padding=4), nn.ReLU(), nn.MaxPool1d(2),
        nn.Conv1d(16, 24, 9, padding=4), nn.ReLU(), nn.AdaptiveAvgPool1d(4), nn.Flatten(), nn.Linear(96, 4),
    )
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(6):
        model.train()
        for w, k in train_loader:
            opt.zero_grad()
            loss = loss_fn(model(w), k)
            loss.backward()
            opt.step()
        model.eval()
        with torch.no_grad():
            ok = sum((model(w).argmax(1) == k).sum().item() for w, k in val_loader)
        print(f"epoch {epoch + 1}: loss {loss.item():.3f}, val acc {ok / 300:.3f}")


if __name__ == "__main__":
    main()
