"""Siamese embedding of digit images with a contrastive loss on random pairs."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

rs = np.random.RandomState(40)
torch.manual_seed(40)
data = load_digits()
imgs = torch.tensor(data.data / 16.0, dtype=torch.float32)
labels = data.target
perm = rs.permutation(len(labels))
train_ids, test_ids = perm[:1400], perm[1400:]
by_class = {c: train_ids[labels[train_ids] == c] for c in range(10)}


class Embed(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, dim))

    def forward(self, x):
        return self.net(x)


def pairs(n):
    same = rs.rand(n) < 0.5
    a = rs.choice(train_ids, n)
    b = np.where(same, [rs.choice(by_class[labels[i]]) for i in a], rs.choice(train_ids, n))
    return imgs[a], imgs[b], torch.tensor(labels[a] == labels[b], dtype=torch.float32)


def contrastive(u, v, same, margin=2.0):
    d = torch.sqrt(((u - v) ** 2).sum(1))
    return (same * d ** 2 + (1 - same) * torch.clamp(margin - d, min=0) ** 2).mean()


def knn_accuracy(model):
    model.eval()
    with torch.no_grad():
        ref, qry = model(imgs[train_ids]), model(imgs[test_ids])
        nearest = torch.cdist(qry, ref).argmin(1).numpy()
    return float((labels[train_ids][nearest] == labels[test_ids]).mean())


model = Embed()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(1, 301):
    model.train()
    a, b, s = pairs(64)
    loss = contrastive(model(a), model(b), s)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 60 == 0:
        print(f"step {step}  loss {loss.item():.4f}  1-NN accuracy {knn_accuracy(model):.3f}")
