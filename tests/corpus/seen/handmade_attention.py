"""Attention from scratch: look up the value that belongs to the queried key."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

KEYS, VALUES, PAIRS = 8, 8, 4


def lookups(n, seed):
    g = torch.Generator().manual_seed(seed)
    keys = torch.stack([torch.randperm(KEYS, generator=g)[:PAIRS] for _ in range(n)])
    values = torch.randint(0, VALUES, (n, PAIRS), generator=g)
    slot = torch.randint(0, PAIRS, (n,), generator=g)
    query = keys[torch.arange(n), slot]
    answer = values[torch.arange(n), slot]
    return TensorDataset(keys, values, query, answer)


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.dim = heads, dim // heads
        self.q, self.k, self.v = nn.Linear(dim, dim), nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.o = nn.Linear(dim, dim)

    def split(self, t):
        return t.view(t.size(0), -1, self.heads, self.dim).transpose(1, 2)

    def forward(self, query, memory, content):
        q, k, v = self.split(self.q(query)), self.split(self.k(memory)), self.split(self.v(content))
        weights = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(self.dim), dim=-1)
        mixed = (weights @ v).transpose(1, 2).flatten(2)
        return self.o(mixed)


class Lookup(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.key_embed = nn.Embedding(KEYS, dim)
        self.value_embed = nn.Embedding(VALUES, dim)
        self.attend = Attention(dim, heads=2)
        self.norm = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 64), nn.ReLU(), nn.Linear(64, VALUES))

    def forward(self, keys, values, query):
        memory = self.key_embed(keys)
        h = self.attend(self.key_embed(query).unsqueeze(1), memory, memory + self.value_embed(values))
        return self.mlp(self.norm(h.squeeze(1)))


def main():
    torch.manual_seed(20)
    train = DataLoader(lookups(4000, 1), batch_size=80, shuffle=True)
    test = DataLoader(lookups(800, 2), batch_size=400)
    model = Lookup()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(5):
        model.train()
        total = 0.0
        for k, v, q, a in train:
            loss = F.cross_entropy(model(k, v, q), a)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            right = sum((model(k, v, q).argmax(1) == a).sum().item() for k, v, q, a in test)
        print(f"epoch {epoch + 1}: loss {total / len(train):.3f}, test accuracy {right / 800:.3f}")


if __name__ == "__main__":
    main()
