"""Rare machine failures: balanced sampling during training, recall and precision on the natural mix."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler


def telemetry(n, seed, share=0.03):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < share).astype(np.float32)
    x = rng.normal(size=(n, 10))
    x[:, :5] += 1.1 * y[:, None] * np.array([1, -1, 1, 1, -1])
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


def counts(net, loader):
    tp = fp = fn = 0
    net.eval()
    with torch.no_grad():
        for x, y in loader:
            hit = net(x).squeeze(1) > 0
            tp += (hit & (y == 1)).sum().item()
            fp += (hit & (y == 0)).sum().item()
            fn += (~hit & (y == 1)).sum().item()
    return tp, fp, fn


def main():
    torch.manual_seed(20)
    x, y = telemetry(4000, 0)
    per_class = torch.tensor([(y == 0).sum(), (y == 1).sum()]).float()
    weights = (1.0 / per_class)[y.long()]
    sampler = WeightedRandomSampler(weights, num_samples=2000, replacement=True)
    train = DataLoader(TensorDataset(x, y), batch_size=50, sampler=sampler)
    val = DataLoader(TensorDataset(*telemetry(3000, 1)), batch_size=500)
    net = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 1))
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
    bce = nn.BCEWithLogitsLoss()
    for epoch in range(7):
        net.train()
        total = 0.0
        for xb, yb in train:
            opt.zero_grad()
            loss = bce(net(xb).squeeze(1), yb)
            loss.backward()
            opt.step()
            total += loss.item()
        tp, fp, fn = counts(net, val)
        print(f"epoch {epoch}: loss {total / len(train):.3f} recall {tp / (tp + fn):.3f} precision {tp / max(1, tp + fp):.3f}")


if __name__ == "__main__":
    main()
