# Activity recognition from one accelerometer axis. Recordings last 160 samples, the net sees 96 of them.
import argparse

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--lr", type=float, default=2e-3)
parser.add_argument("--window", type=int, default=96)
args = parser.parse_args()

torch.manual_seed(11)


class Recordings(Dataset):
    """walking / running / stairs, each with its own rhythm"""

    def __init__(self, n, window):
        g = torch.Generator().manual_seed(5)
        t = torch.arange(160) / 20.0
        self.labels = torch.randint(0, 3, (n,), generator=g)
        pace = torch.tensor([1.0, 1.6, 0.8])[self.labels] + 0.12 * torch.randn(n, generator=g)
        phase = 6.28 * torch.rand(n, generator=g)
        wave = torch.sin(6.28 * pace[:, None] * t + phase[:, None])
        wave = wave + 0.4 * (self.labels == 2)[:, None] * torch.sin(18 * t)
        self.signal = wave + 0.4 * torch.randn(n, 160, generator=g)
        self.window = window

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        start = torch.randint(0, 160 - self.window + 1, ()).item()
        return self.signal[i, start:start + self.window][None], self.labels[i]


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv1d(1, 12, 9, stride=2)
        self.c2 = nn.Conv1d(12, 24, 7, stride=2)
        self.head = nn.Linear(24, 3)

    def forward(self, x):
        x = F.relu(self.c1(x))
        x = F.relu(self.c2(x))
        return self.head(x.mean(-1))


recordings = Recordings(2000, args.window)
perm = torch.randperm(len(recordings)).tolist()
train_loader = DataLoader(Subset(recordings, perm[:1500]), batch_size=50, shuffle=True)
val_loader = DataLoader(Subset(recordings, perm[1500:]), batch_size=250)

net = ConvNet()
optimizer = torch.optim.Adam(net.parameters(), lr=args.lr)


@torch.no_grad()
def validate():
    net.eval()
    loss = hits = 0.0
    for x, y in val_loader:
        z = net(x)
        loss += F.cross_entropy(z, y, reduction="sum").item()
        hits += (z.argmax(1) == y).float().sum().item()
    net.train()
    return loss / 500, hits / 500


for epoch in range(args.epochs):
    for x, y in train_loader:
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
    print("epoch %d  loss %.3f  accuracy %.3f" % ((epoch,) + validate()))
