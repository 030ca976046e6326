"""BYOL on small digits (online and target network, predictor), followed by a linear probe."""
import copy
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class C:
    batch: int = 128
    epochs: int = 6
    lr: float = 1.5e-3
    tau: float = 0.98
    probe_epochs: int = 12
    seed: int = 81


def two_views(x):
    def view(x):
        shift = torch.randint(-1, 2, (2,)).tolist()
        x = x.roll(shift, (2, 3))
        x = x * (0.8 + 0.4 * torch.rand(len(x), 1, 1, 1))
        return x + 0.1 * torch.randn_like(x)
    return view(x), view(x)


def encoder():
    return nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(12, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())


def head(d_in, d_hidden=96, d_out=32):
    return nn.Sequential(nn.Linear(d_in, d_hidden), nn.BatchNorm1d(d_hidden), nn.ReLU(), nn.Linear(d_hidden, d_out))


class BYOL(nn.Module):
    def __init__(self, tau):
        super().__init__()
        self.tau = tau
        self.online = nn.Sequential(encoder(), head(128))
        self.predictor = head(32)
        self.target = copy.deepcopy(self.online).requires_grad_(False)

    def loss(self, a, b):
        pa, pb = self.predictor(self.online(a)), self.predictor(self.online(b))
        with torch.no_grad():
            ta, tb = self.target(a), self.target(b)
        return 2 - F.cosine_similarity(pa, tb).mean() - F.cosine_similarity(pb, ta).mean()

    @torch.no_grad()
    def update_target(self):
        for t, o in zip(self.target.parameters(), self.online.parameters()):
            t.lerp_(o, 1 - self.tau)


def pretrain(c, images):
    model = BYOL(c.tau)
    opt = torch.optim.AdamW([*model.online.parameters(), *model.predictor.parameters()], lr=c.lr, weight_decay=1e-3)
    for epoch in range(c.epochs):
        model.train()
        total, n = 0.0, 0
        for (x,) in DataLoader(TensorDataset(images), c.batch, shuffle=True, drop_last=True):
            loss = model.loss(*two_views(x))
            opt.zero_grad()
            loss.backward()
            opt.step()
            model.update_target()
            total, n = total + loss.item(), n + 1
        print(f"pretrain {epoch} loss {total / n:.4f}")
    return model.online[0].eval().requires_grad_(False)


def probe(c, backbone, train, val):
    with torch.no_grad():
        ftr, fva = backbone(train[0]), backbone(val[0])
    mean, std = ftr.mean(0), ftr.std(0) + 1e-5
    ftr, fva = (ftr - mean) / std, (fva - mean) / std
    linear = nn.Linear(ftr.shape[1], 10)
    opt = torch.optim.Adam(linear.parameters(), lr=4e-3)
    for epoch in range(c.probe_epochs):
        linear.train()
        total = 0.0
        for idx in torch.randperm(len(ftr)).split(64):
            loss = F.cross_entropy(linear(ftr[idx]), train[1][idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        if epoch % 3 == 2:
            linear.eval()
            with torch.no_grad():
                out = linear(fva)
            print(f"probe {epoch} train {total / len(ftr):.4f} val {F.cross_entropy(out, val[1]).item():.4f} acc {(out.argmax(1) == val[1]).float().mean().item():.3f}")


if __name__ == "__main__":
    c = C()
    torch.manual_seed(c.seed)
    X, y = load_digits(return_X_y=True)
    X, y = torch.tensor((X / 16.0 - 0.3) / 0.38).float().view(-1, 1, 8, 8), torch.tensor(y)
    tr, va = train_test_split(range(len(X)), test_size=0.25, stratify=y, random_state=c.seed)
    backbone = pretrain(c, X[tr])
    probe(c, backbone, (X[tr], y[tr]), (X[va], y[va]))
