import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

WINDOW = 128
CLASSES = ["normal", "bearing", "cavitation"]


def record(kind, length, rng):
    t = np.arange(length) / 100.0
    signal = np.sin(2 * np.pi * 3.0 * t + rng.uniform(0, 6)) * 0.5
    if kind == 1:
        signal += 0.7 * np.sin(2 * np.pi * 17.0 * t + rng.uniform(0, 6))
    elif kind == 2:
        signal += 0.6 * rng.normal(size=length) * (np.sin(2 * np.pi * 1.5 * t) > 0)
    signal += 0.15 * rng.normal(size=length)
    if rng.random() < 0.06:                     # the logger repeats its last reading while it reconnects
        start = int(rng.integers(0, length - 200))
        signal[start:start + 200] = signal[start]
    return signal.astype(np.float32)


def standardise(window):
    return (window - window.mean()) / window.std()


class PumpWindows(Dataset):
    def __init__(self, recordings, labels, hop=64):
        self.items = []
        for signal, label in zip(recordings, labels):
            for start in range(0, len(signal) - WINDOW + 1, hop):
                self.items.append((standardise(signal[start:start + WINDOW]), label))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        window, label = self.items[i]
        return torch.from_numpy(window)[None], label


class WindowNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(1, 16, 7, stride=2, padding=3)
        self.conv2 = nn.Conv1d(16, 32, 5, stride=2, padding=2)
        self.head = nn.Linear(32, len(CLASSES))

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        return self.head(x.mean(dim=2))


def run():
    rng = np.random.default_rng(11)
    torch.manual_seed(11)
    labels = np.arange(180) % 3
    recordings = [record(k, 1024, rng) for k in labels]
    order = rng.permutation(180)
    tr, va = order[:135], order[135:]
    train = PumpWindows([recordings[i] for i in tr], labels[tr].tolist())
    valid = PumpWindows([recordings[i] for i in va], labels[va].tolist())
    train_dl = DataLoader(train, batch_size=32, shuffle=True)
    valid_dl = DataLoader(valid, batch_size=128)

    net = WindowNet()
    opt = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for epoch in range(5):
        net.train()
        running = []
        for x, y in train_dl:
            loss = F.cross_entropy(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            running.append(loss.item())
        net.eval()
        hits = n = 0
        with torch.no_grad():
            for x, y in valid_dl:
                hits += (net(x).argmax(1) == y).sum().item()
                n += len(y)
        print(f"[{epoch}] train loss {np.mean(running):.4f}  valid acc {hits / n:.3f}")


if __name__ == "__main__":
    run()
