"""Batch-hard triplet loss with a class-balanced batch sampler; retrieval accuracy on held-out digits."""
import random
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Sampler, TensorDataset


class PKSampler(Sampler):
    def __init__(self, labels, p, k, batches):
        self.pools = {}
        for i, c in enumerate(labels.tolist()):
            self.pools.setdefault(c, []).append(i)
        self.p, self.k, self.batches = p, k, batches

    def __len__(self):
        return self.batches

    def __iter__(self):
        for _ in range(self.batches):
            yield [i for c in random.sample(sorted(self.pools), self.p) for i in random.sample(self.pools[c], self.k)]


def batch_hard(z, y, margin=0.3):
    d = (2 - 2 * z @ z.T).clamp(min=1e-6).sqrt()
    same = y[:, None] == y[None, :]
    pos = (d * same).max(1).values
    neg = (d + 10 * same).min(1).values
    return F.softplus((pos - neg + margin) * 5).mean() / 5


random.seed(22)
torch.manual_seed(22)
d = load_digits()
x, y = torch.tensor(d.data, dtype=torch.float32) / 16, torch.tensor(d.target)
p = torch.randperm(len(y))
gx, gy, qx, qy = x[p[:1400]], y[p[:1400]], x[p[1400:]], y[p[1400:]]
loader = DataLoader(TensorDataset(gx, gy), batch_sampler=PKSampler(gy, 8, 8, 25))
net = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 24))
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(8):
    net.train()
    for xb, yb in loader:
        loss = batch_hard(F.normalize(net(xb), dim=1), yb)
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        g, q = F.normalize(net(gx), dim=1), F.normalize(net(qx), dim=1)
        top1 = (gy[(q @ g.T).argmax(1)] == qy).float().mean().item()
    print(f"epoch {epoch}: triplet loss {loss.item():.4f}, retrieval {top1:.3f}")
