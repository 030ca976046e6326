"""Heart-beat typing with jittered beats; loading happens in two background workers."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

LENGTH = 48


def beats(n, seed):
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 1, LENGTH)
    y = rng.integers(0, 3, n)
    width = np.array([0.04, 0.08, 0.05])[y][:, None] * rng.uniform(0.8, 1.2, (n, 1))
    height = np.array([1.0, 0.9, 0.7])[y][:, None] * rng.uniform(0.8, 1.2, (n, 1))
    x = height * np.exp(-((t - 0.4) / width) ** 2)
    x += np.where(y == 2, -0.35, 0.25)[:, None] * np.exp(-((t - 0.7) / 0.1) ** 2)
    x += rng.normal(0, 0.12, x.shape)
    return (2.0 * x).astype(np.float32), y.astype(np.int64)


class Beats(Dataset):
    def __init__(self, x, y, jitter=0.0, seed=0):
        self.x, self.y = x, y
        self.jitter = jitter
        self.noise = np.random.default_rng(seed)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        beat = self.x[i]
        if self.jitter:
            beat = beat + self.noise.normal(0, self.jitter, LENGTH).astype(np.float32)
        return torch.from_numpy(beat), int(self.y[i])


def main():
    torch.manual_seed(0)
    train = DataLoader(Beats(*beats(1500, 1), jitter=0.15, seed=8), batch_size=50, shuffle=True, num_workers=2)
    test = DataLoader(Beats(*beats(500, 2)), batch_size=250)
    net = nn.Sequential(nn.Linear(LENGTH, 40), nn.SiLU(), nn.Linear(40, 3))
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    ce = nn.CrossEntropyLoss()
    for epoch in range(5):
        net.train()
        for x, y in train:
            opt.zero_grad()
            ce(net(x), y).backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            out = [(net(x), y) for x, y in test]
        z, y = torch.cat([o[0] for o in out]), torch.cat([o[1] for o in out])
        print(f"epoch {epoch} test loss {ce(z, y).item():.4f} accuracy {(z.argmax(1) == y).float().mean().item():.3f}")


if __name__ == "__main__":
    main()
