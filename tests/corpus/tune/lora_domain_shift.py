"""Adapts a frozen digit classifier to paler, shifted digits with low-rank adapters."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class LoRA(nn.Module):
    def __init__(self, base, r=8, alpha=16):
        super().__init__()
        self.base = base
        self.down = nn.Parameter(torch.empty(r, base.in_features))
        self.up = nn.Parameter(torch.zeros(base.out_features, r))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))
        self.scale = alpha / r

    def forward(self, x):
        return self.base(x) + F.linear(F.linear(x, self.down), self.up) * self.scale

    @torch.no_grad()
    def merged(self):
        fused = nn.Linear(self.base.in_features, self.base.out_features)
        fused.weight.copy_(self.base.weight + self.scale * self.up @ self.down)
        fused.bias.copy_(self.base.bias)
        return fused


def mlp():
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))


def add_adapters(model):
    for p in model.parameters():
        p.requires_grad_(False)
    for i, layer in enumerate(model):
        if isinstance(layer, nn.Linear):
            model[i] = LoRA(layer)
    return model


def fit(model, train, val, epochs, lr, name):
    loader = DataLoader(train, 48, shuffle=True)
    opt = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=lr)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for x, y in loader:
            opt.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            opt.step()
            total += loss.item() * len(y)
        print(name, epoch, f"train {total / len(train):.4f}", "val {:.4f} acc {:.3f}".format(*test(model, val)))


@torch.no_grad()
def test(model, data):
    model.eval()
    x, y = data.tensors
    out = model(x)
    return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main():
    torch.manual_seed(23)
    X, y = load_digits(return_X_y=True)
    X = torch.tensor(X / 16.0).float()
    y = torch.tensor(y)
    a, b = train_test_split(range(len(X)), test_size=0.5, stratify=y, random_state=23)

    def splits(X, idx):
        tr, va = train_test_split(idx, test_size=0.25, stratify=y[idx], random_state=23)
        return TensorDataset(X[tr], y[tr]), TensorDataset(X[va], y[va])

    source = splits(X, a)
    target = splits(0.85 * X.view(-1, 8, 8).roll(1, 2).flatten(1) + 0.1, b)
    model = mlp()
    fit(model, *source, epochs=10, lr=2e-3, name="source")
    print("before adaptation", test(model, target[1]))
    add_adapters(model)
    fit(model, *target, epochs=10, lr=3e-3, name="target")
    merged = nn.Sequential(*[m.merged() if isinstance(m, LoRA) else m for m in model])
    print("merged", test(merged, target[1]))


if __name__ == "__main__":
    main()
