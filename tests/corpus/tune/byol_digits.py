import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(12)
d = load_digits()
X = torch.tensor(d.images / 8.0 - 1.0, dtype=torch.float32).unsqueeze(1)
y = torch.tensor(d.target)
p = torch.randperm(len(y))
X, y = X[p], y[p]
Xtr, ytr, Xte, yte = X[:1400], y[:1400], X[1400:], y[1400:]


def augment(x):
    dx, dy = torch.randint(-1, 2, (2,)).tolist()
    x = torch.roll(x, (dx, dy), dims=(2, 3))
    x = x * (torch.rand(len(x), 1, 1, 1) * 0.4 + 0.8)
    return x + 0.2 * torch.randn_like(x)


def mlp(i, h, o):
    return nn.Sequential(nn.Linear(i, h), nn.BatchNorm1d(h), nn.ReLU(), nn.Linear(h, o))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(1, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(24, 32, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(512, 64), nn.ReLU())
        self.projector = mlp(64, 64, 32)

    def forward(self, x):
        return self.projector(self.backbone(x))


online, predictor = Encoder(), mlp(32, 64, 32)
target = copy.deepcopy(online)
for q in target.parameters():
    q.requires_grad_(False)
opt = torch.optim.Adam([*online.parameters(), *predictor.parameters()], lr=2e-3)
TAU = 0.98


def regression_loss(a, b):
    return -F.cosine_similarity(a, b.detach(), dim=1).mean()


for epoch in range(6):
    online.train(); predictor.train(); target.train()
    tot = 0
    for idx in torch.randperm(len(Xtr)).split(100):
        v1, v2 = augment(Xtr[idx]), augment(Xtr[idx])
        with torch.no_grad():
            t1, t2 = target(v1), target(v2)
        loss = 0.5 * (regression_loss(predictor(online(v1)), t2) + regression_loss(predictor(online(v2)), t1))
        opt.zero_grad()
        loss.backward()
        opt.step()
        with torch.no_grad():
            for po, pt in zip(online.parameters(), target.parameters()):
                pt.lerp_(po, 1 - TAU)
        tot += loss.item()
    print(f"byol epoch {epoch}: {tot / 14:.4f}")

online.eval()
with torch.no_grad():
    ftr, fte = online.backbone(Xtr), online.backbone(Xte)
mean, std = ftr.mean(0), ftr.std(0) + 1e-5
ftr, fte = (ftr - mean) / std, (fte - mean) / std
probe = nn.Linear(64, 10)
popt = torch.optim.Adam(probe.parameters(), lr=1e-2)
for epoch in range(12):
    for idx in torch.randperm(len(ftr)).split(100):
        loss = F.cross_entropy(probe(ftr[idx]), ytr[idx])
        popt.zero_grad()
        loss.backward()
        popt.step()
with torch.no_grad():
    print("linear probe accuracy:", round((probe(fte).argmax(1) == yte).float().mean().item(), 4))
