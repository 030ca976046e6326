"""Noisy orientation-free patterns; at test time the predictions of eight jittered views are averaged."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Patterns(Dataset):
    """Stripes, checks, rings, spots and plain noise in random phase."""

    def __init__(self, n, seed, size=16, train=False):
        g = torch.Generator().manual_seed(seed)
        yy, xx = torch.meshgrid(torch.arange(size).float(), torch.arange(size).float(), indexing="ij")
        self.labels = torch.randint(0, 5, (n,), generator=g)
        p = 6.28 * torch.rand(n, 2, generator=g)
        self.images = torch.empty(n, 1, size, size)
        for i, k in enumerate(self.labels.tolist()):
            u, v = xx * 1.3 + p[i, 0], yy * 1.3 + p[i, 1]
            r = ((xx - 8) ** 2 + (yy - 8) ** 2).sqrt()
            base = [u.sin(), u.sin().sign() * v.sin().sign(), (1.3 * r + p[i, 0]).sin(), ((u.sin() + v.sin()) > 1).float() * 2 - 0.5, torch.zeros_like(u)][k]
            self.images[i, 0] = base
        self.images += 0.7 * torch.randn(self.images.shape, generator=g)
        self.train = train

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        x = self.images[i]
        return (jitter(x) if self.train else x), self.labels[i]


def jitter(x):
    dims = [d for d in (-1, -2) if torch.rand(()) < 0.5]
    x = x.flip(dims) if dims else x
    return torch.roll(x, torch.randint(-2, 3, (2,)).tolist(), (-2, -1))


def network():
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        nn.Linear(96, 5))


@torch.no_grad()
def evaluate(net, loader, views=8):
    net.eval()
    loss = plain = averaged = n = 0
    for x, y in loader:
        probs = torch.stack([net(jitter(x)).softmax(1) for _ in range(views)]).mean(0)
        out = net(x)
        loss += F.cross_entropy(out, y, reduction="sum").item()
        plain += (out.argmax(1) == y).sum().item()
        averaged += (probs.argmax(1) == y).sum().item()
        n += len(y)
    return loss / n, plain / n, averaged / n


def main():
    torch.manual_seed(1)
    train_dl = DataLoader(Patterns(1200, 1, train=True), batch_size=40, shuffle=True)
    test_dl = DataLoader(Patterns(400, 2), batch_size=200)
    net = network()
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
    for epoch in range(6):
        net.train()
        total = 0.0
        for x, y in train_dl:
            opt.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            opt.step()
            total += loss.item() * len(y)
        print(f"epoch {epoch} train {total / 1200:.3f} test %.3f plain %.3f averaged views %.3f" % evaluate(net, test_dl))


if __name__ == "__main__":
    main()
