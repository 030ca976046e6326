"""AdamW on the digits with weight decay on weight matrices only."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset, random_split


class PreNormMLP(nn.Module):
    def __init__(self, d=64, h=96, k=10):
        super().__init__()
        self.embed = nn.Linear(d, h)
        self.norms = nn.ModuleList(nn.LayerNorm(h) for _ in range(2))
        self.layers = nn.ModuleList(nn.Linear(h, h) for _ in range(2))
        self.out = nn.Linear(h, k)

    def forward(self, x):
        h = F.gelu(self.embed(x))
        for norm, layer in zip(self.norms, self.layers):
            h = h + F.gelu(layer(norm(h)))
        return self.out(h)


def groups(model, decay):
    with_decay, without = [], []
    for p in model.parameters():
        (with_decay if p.ndim >= 2 else without).append(p)
    return [{"params": with_decay, "weight_decay": decay}, {"params": without, "weight_decay": 0.0}]


def main(epochs=6, batch_size=48):
    torch.manual_seed(100)
    X, y = load_digits(return_X_y=True)
    data = TensorDataset(torch.tensor(X / 16, dtype=torch.float32), torch.tensor(y))
    train_ds, test_ds = random_split(data, [1440, len(data) - 1440])
    train_dl = DataLoader(train_ds, batch_size=batch_size, shuffle=True)
    test_dl = DataLoader(test_ds, batch_size=400)
    model = PreNormMLP()
    opt = torch.optim.AdamW(groups(model, 0.02), lr=1.5e-3)
    steps = epochs * len(train_dl)
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: 0.5 * (1 + math.cos(math.pi * s / steps)))
    for epoch in range(epochs):
        model.train()
        for x, t in train_dl:
            opt.zero_grad()
            loss = F.cross_entropy(model(x), t)
            loss.backward()
            opt.step()
            sched.step()
        model.eval()
        with torch.no_grad():
            x, t = next(iter(test_dl))
            logits = model(x)
        print(f"epoch {epoch + 1}  test loss {F.cross_entropy(logits, t).item():.3f}  "
              f"test acc {(logits.argmax(1) == t).float().mean().item():.3f}")


if __name__ == "__main__":
    main()
