"""Siamese network with a contrastive loss: are two noisy glyphs of the same kind?"""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(21)

KINDS, SIDE = 5, 10
prototypes = (torch.rand(KINDS, SIDE * SIDE) > 0.6).float()


def glyphs(n):
    kind = torch.randint(0, KINDS, (n,))
    return prototypes[kind] + 0.4 * torch.randn(n, SIDE * SIDE), kind


class Embedder(nn.Module):
    def __init__(self, dim=8):
        super().__init__()
        self.fc1 = nn.Linear(SIDE * SIDE, 64)
        self.fc2 = nn.Linear(64, dim)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))


def contrastive_loss(u, v, same, margin=1.5):
    distance = torch.sqrt(((u - v) ** 2).sum(dim=1))
    pull = same * distance**2
    push = (1 - same) * F.relu(margin - distance) ** 2
    return (pull + push).mean()


x, kind = glyphs(600)
x_val, kind_val = glyphs(200)
net = Embedder()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)

for epoch in range(8):
    total = 0.0
    for _ in range(30):
        left = torch.randint(0, len(x), (32,))
        right = torch.randint(0, len(x), (32,))
        same = (kind[left] == kind[right]).float()
        loss = contrastive_loss(net(x[left]), net(x[right]), same)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    with torch.no_grad():
        z, z_val = net(x), net(x_val)
        nearest = torch.cdist(z_val, z).argmin(dim=1)
        hit = (kind[nearest] == kind_val).float().mean().item()
    print(f"epoch {epoch + 1}: loss {total / 30:.4f}  nearest-neighbour accuracy {hit:.3f}")
