"""Contrastive retrieval: match two noisy measurements of the same object within the batch."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Objects(Dataset):
    """A hidden code seen through two instruments."""

    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        w = torch.Generator().manual_seed(1000)
        code = torch.randn(n, 6, generator=g)
        self.a = torch.tanh(code @ torch.randn(6, 16, generator=w) * 0.6) + 0.15 * torch.randn(n, 16, generator=g)
        self.b = torch.tanh(code @ torch.randn(6, 20, generator=w) * 0.6) + 0.15 * torch.randn(n, 20, generator=g)

    def __len__(self):
        return len(self.a)

    def __getitem__(self, i):
        return self.a[i], self.b[i]


class Tower(nn.Module):
    def __init__(self, n_in, dim=16):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n_in, 64), nn.ReLU(), nn.Linear(64, dim))

    def forward(self, x):
        return F.normalize(self.net(x), dim=1)


class TwoTower(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right = Tower(16), Tower(20)
        self.log_scale = nn.Parameter(torch.tensor(1.6))

    def forward(self, a, b):
        return self.log_scale.exp() * self.left(a) @ self.right(b).T


def symmetric_loss(sim):
    target = torch.arange(len(sim))
    return 0.5 * (F.cross_entropy(sim, target) + F.cross_entropy(sim.T, target))


def main():
    torch.manual_seed(0)
    train = DataLoader(Objects(2000, 0), batch_size=100, shuffle=True, drop_last=True)
    val = DataLoader(Objects(500, 1), batch_size=100)
    model = TwoTower()
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(10):
        model.train()
        for a, b in train:
            opt.zero_grad()
            loss = symmetric_loss(model(a, b))
            loss.backward()
            opt.step()
        model.eval()
        with torch.no_grad():
            sims = [model(a, b) for a, b in val]
            vl = sum(symmetric_loss(s).item() for s in sims) / len(sims)
            top1 = sum((s.argmax(1) == torch.arange(len(s))).float().mean().item() for s in sims) / len(sims)
        print(f"epoch {epoch}: val loss {vl:.3f} top-1 {top1:.3f}")


if __name__ == "__main__":
    main()
