from collections.abc import Iterator

import torch
from torch import Tensor, nn

N_LABELS = 5


def make(n: int, seed: int) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    w = torch.randn(40, N_LABELS, generator=torch.Generator().manual_seed(0)) / 40 ** 0.5
    x = torch.randn(n, 40, generator=g)
    p = (4 * x @ w - 1.5).sigmoid()
    return x, torch.bernoulli(p, generator=g)


def minibatches(x: Tensor, y: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    for ids in torch.randperm(len(x)).split(size):
        yield x[ids], y[ids]


def macro_f1(logits: Tensor, y: Tensor) -> float:
    p = (logits > 0).float()
    tp, fp, fn = (p * y).sum(0), (p * (1 - y)).sum(0), ((1 - p) * y).sum(0)
    return (2 * tp / (2 * tp + fp + fn)).mean().item()


def main() -> None:
    torch.manual_seed(55)
    x, y = make(3000, 1)
    xv, yv = make(800, 2)
    pos = y.mean(0)
    model = nn.Sequential(nn.Linear(40, 48), nn.ReLU(), nn.Dropout(0.3), nn.Linear(48, N_LABELS))
    criterion = nn.BCEWithLogitsLoss(pos_weight=(1 - pos) / pos)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1.5e-3, weight_decay=0.05)
    for epoch in range(10):
        model.train()
        for xb, yb in minibatches(x, y, 60):
            optimizer.zero_grad()
            criterion(model(xb), yb).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            z = model(xv)
        print(f"epoch {epoch:2d} val loss {criterion(z, yv):.4f} macro-F1 {macro_f1(z, yv):.3f}")


main()
