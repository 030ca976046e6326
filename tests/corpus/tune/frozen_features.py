"""Reuse features learned on digits 0-4 for digits 5-9; only a new head is trained."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def split(low):
    d = load_digits()
    keep = (d.target >= low) & (d.target < low + 5)
    x = torch.tensor(d.images[keep] / 16.0, dtype=torch.float32)[:, None]
    y = torch.tensor(d.target[keep] - low)
    perm = torch.randperm(len(y))
    cut = int(0.7 * len(y))
    part = lambda i: TensorDataset(x[i], y[i])
    return (DataLoader(part(perm[:cut]), batch_size=32, shuffle=True, drop_last=True),
            DataLoader(part(perm[cut:]), batch_size=300))


def features():
    return nn.Sequential(nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten())


class Net(nn.Module):
    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(32 * 16, 5)
        self.frozen = False

    def freeze(self):
        self.frozen = True
        self.backbone.requires_grad_(False)

    def train(self, mode=True):
        super().train(mode)
        if self.frozen:
            self.backbone.eval()
        return self

    def forward(self, x):
        return self.head(self.backbone(x))


def fit(net, train, val, lr, epochs):
    opt = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=lr)
    for epoch in range(epochs):
        net.train()
        for x, y in train:
            opt.zero_grad()
            F.cross_entropy(net(x), y).backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            z = torch.cat([net(x) for x, _ in val])
            y = torch.cat([y for _, y in val])
        print(f"  epoch {epoch} val loss {F.cross_entropy(z, y).item():.4f} acc {(z.argmax(1) == y).float().mean().item():.3f}")


torch.manual_seed(3)
print("pretraining")
base = Net(features())
fit(base, *split(0), lr=1e-3, epochs=4)
print("new digits")
net = Net(base.backbone)
net.freeze()
fit(net, *split(5), lr=1e-3, epochs=6)
