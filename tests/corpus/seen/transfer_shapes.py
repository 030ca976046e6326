"""Pretrain on 0-4, then move the backbone over to 5-9."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def tensors(lo, hi):
    d = load_digits()
    keep = (d.target >= lo) & (d.target <= hi)
    x = torch.tensor(d.images[keep] / 16.0, dtype=torch.float32)[:, None]
    y = torch.tensor(d.target[keep] - lo)
    p = torch.randperm(len(y), generator=torch.Generator().manual_seed(lo))
    n = int(0.8 * len(y))
    return TensorDataset(x[p[:n]], y[p[:n]]), TensorDataset(x[p[n:]], y[p[n:]])


class Net(nn.Module):
    def __init__(self, classes=5):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())
        self.head = nn.Linear(96, classes)

    def forward(self, x):
        return self.head(self.backbone(x))


def epoch(net, ds, opt):
    net.train()
    total = 0.0
    for x, y in DataLoader(ds, batch_size=32, shuffle=True):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        opt.step()
        total += loss.item() * len(y)
    return total / len(ds)


@torch.no_grad()
def score(net, ds):
    net.eval()
    x, y = ds.tensors
    return (net(x).argmax(1) == y).float().mean().item()


torch.manual_seed(0)
net = Net()
src_train, src_test = tensors(0, 4)
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for e in range(5):
    l = epoch(net, src_train, opt)
print(f"source: loss {l:.3f} acc {score(net, src_test):.3f}")

tgt_train, tgt_test = tensors(5, 9)
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
net.head = nn.Linear(96, 5)
for e in range(6):
    l = epoch(net, tgt_train, opt)
    print(f"target epoch {e}: loss {l:.3f} acc {score(net, tgt_test):.3f}")
