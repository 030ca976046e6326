import math

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split

torch.manual_seed(21)


class BeatDataset(Dataset):
    """Synthetic single-lead beats, three rhythm classes."""

    def __init__(self, n=2000, length=96, augment=True):
        t = torch.linspace(0, 1, length)
        self.y = torch.randint(0, 3, (n,))
        freq = torch.tensor([3.0, 5.0, 7.0])[self.y].unsqueeze(1)
        phase = 2 * math.pi * torch.rand(n, 1)
        amp = 0.8 + 0.4 * torch.rand(n, 1)
        self.x = amp * torch.sin(2 * math.pi * freq * t + phase) + 0.3 * torch.randn(n, length)
        self.augment = augment

    def __len__(self):
        return len(self.y)

    def _augment(self, s):
        s = s * (0.7 + 0.6 * torch.rand(1))
        s = s + 0.3 * torch.randn_like(s)
        start = int(torch.randint(0, s.numel() - 16, (1,)))
        s = s.clone()
        s[start:start + 16] = 0.0
        return s

    def __getitem__(self, idx):
        s = self.x[idx]
        if self.augment:
            s = self._augment(s)
        return s.unsqueeze(0), self.y[idx]


class RhythmNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv1d(1, 16, 9, stride=2, padding=4), nn.BatchNorm1d(16), nn.ReLU(),
            nn.Conv1d(16, 32, 7, stride=2, padding=3), nn.BatchNorm1d(32), nn.ReLU(),
            nn.Conv1d(32, 32, 5, stride=2, padding=2), nn.BatchNorm1d(32), nn.ReLU(),
        )
        self.fc = nn.Linear(32, 3)

    def forward(self, x):
        return self.fc(self.conv(x).mean(-1))


class Trainer:
    def __init__(self, model, train_loader, val_loader, lr=2e-3):
        self.model = model
        self.train_loader, self.val_loader = train_loader, val_loader
        self.opt = torch.optim.AdamW(model.parameters(), lr=lr)
        self.loss_fn = nn.CrossEntropyLoss()

    def train_epoch(self):
        self.model.train()
        tot = 0.0
        for x, y in self.train_loader:
            self.opt.zero_grad(set_to_none=True)
            loss = self.loss_fn(self.model(x), y)
            loss.backward()
            self.opt.step()
            tot += loss.item()
        return tot / len(self.train_loader)

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        tot, hit = 0.0, 0
        for x, y in self.val_loader:
            out = self.model(x)
            tot += self.loss_fn(out, y).item()
            hit += (out.argmax(-1) == y).sum().item()
        return tot / len(self.val_loader), hit / len(self.val_loader.dataset)

    def fit(self, epochs):
        for e in range(epochs):
            tr = self.train_epoch()
            vl, va = self.validate()
            print(f"epoch {e + 1}/{epochs} train_loss={tr:.4f} val_loss={vl:.4f} val_acc={va:.4f}")


data = BeatDataset(augment=True)
train_set, val_set = random_split(data, [1600, 400], generator=torch.Generator().manual_seed(0))
trainer = Trainer(
    RhythmNet(),
    DataLoader(train_set, batch_size=32, shuffle=True),
    DataLoader(val_set, batch_size=200),
)
trainer.fit(8)
