"""Multi-label tags for plot summaries (synthetic tf-idf like vectors)."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import TensorDataset, DataLoader, random_split

TAGS = ["drama", "comedy", "crime", "space", "war", "music"]


def make_corpus(n=2500, d=60, seed=4):
    g = torch.Generator().manual_seed(seed)
    w = torch.randn(d, len(TAGS), generator=g)
    x = torch.randn(n, d, generator=g)
    logits = x @ w / d ** 0.5 * 3 - 1.0
    y = (torch.rand(n, len(TAGS), generator=g) < logits.sigmoid()).float()
    return TensorDataset(x, y)


class TagNet(nn.Module):
    def __init__(self, d_in, n_tags, width=64):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(d_in, width), nn.ReLU(), nn.Dropout(0.1))
        self.heads = nn.Linear(width, n_tags)

    def forward(self, x):
        return self.heads(self.trunk(x)).sigmoid()


def f1(prob, y, thr=0.5):
    p = (prob > thr).float()
    tp = (p * y).sum(0)
    return (2 * tp / (p.sum(0) + y.sum(0)).clamp(min=1)).mean().item()


torch.manual_seed(4)
np.random.seed(4)
data = make_corpus()
train_set, val_set = random_split(data, [2000, 500])
train_loader = DataLoader(train_set, batch_size=50, shuffle=True)
val_loader = DataLoader(val_set, batch_size=500)
freq = torch.stack([y for _, y in train_set]).mean(0)
model = TagNet(60, len(TAGS))
loss_fn = nn.BCEWithLogitsLoss(pos_weight=(1 - freq) / freq)
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=14)
for epoch in range(14):
    model.train()
    for x, y in train_loader:
        opt.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        opt.step()
    sched.step()
    model.eval()
    with torch.no_grad():
        x, y = next(iter(val_loader))
        out = model(x)
        print("epoch %2d | val loss %.4f | macro F1 %.3f" % (epoch, loss_fn(out, y).item(), f1(out, y)))
