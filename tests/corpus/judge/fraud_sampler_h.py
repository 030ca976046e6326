"""3 % fraud: WeightedRandomSampler for training, untouched validation set, average precision as the metric."""
import copy
import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import average_precision_score, roc_auc_score
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler


def simulate(rng, n=9000, rate=0.04):
    y = (rng.random(n) < rate).astype(np.int64)
    amount = rng.lognormal(3.2 + 0.8 * y, 0.8)
    hour = np.where(y == 1, rng.normal(3, 3, n), rng.normal(14, 5, n)) % 24
    velocity = rng.poisson(1 + 2.2 * y)
    distance = rng.exponential(10 + 35 * y)
    age_days = rng.exponential(np.where(y == 1, 200, 700))
    misc = rng.normal(size=(n, 3))
    x = np.c_[np.log(amount), np.sin(hour / 24 * 2 * np.pi), np.cos(hour / 24 * 2 * np.pi), velocity, np.log1p(distance), np.log1p(age_days), misc]
    return x.astype(np.float32), y


def loaders(seed):
    rng = np.random.default_rng(seed)
    x, y = simulate(rng)
    cut = 6500
    m, s = x[:cut].mean(0), x[:cut].std(0)
    x = torch.from_numpy((x - m) / s)
    y = torch.from_numpy(y)
    counts = torch.bincount(y[:cut])
    print("train counts", counts.tolist(), "validation counts", torch.bincount(y[cut:]).tolist())
    weights = (1.0 / counts.double())[y[:cut]]
    sampler = WeightedRandomSampler(weights, num_samples=4000, replacement=True)
    return (DataLoader(TensorDataset(x[:cut], y[:cut]), 64, sampler=sampler, drop_last=True),
            DataLoader(TensorDataset(x[cut:], y[cut:]), 1000))


def collect(model, dl):
    model.eval()
    out, ys = [], []
    with torch.no_grad():
        for x, y in dl:
            out.append(model(x).softmax(1)[:, 1])
            ys.append(y)
    return torch.cat(out).numpy(), torch.cat(ys).numpy()


def main():
    torch.manual_seed(50)
    train, val = loaders(50)
    xb, yb = next(iter(train))
    print("share of fraud in a batch", yb.float().mean().item())
    model = nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 2))
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss_fn = nn.CrossEntropyLoss()
    best_ap, best_state = -1.0, None
    for epoch in range(1, 9):
        model.train()
        total, correct, seen = 0.0, 0, 0
        for x, y in train:
            opt.zero_grad()
            out = model(x)
            loss = loss_fn(out, y)
            loss.backward()
            opt.step()
            total += loss.item() * len(y)
            correct += (out.argmax(1) == y).sum().item()
            seen += len(y)
        p, y = collect(model, val)
        ap, auc = average_precision_score(y, p), roc_auc_score(y, p)
        print(f"epoch {epoch} balanced train loss {total / seen:.4f} acc {correct / seen:.3f} | val AP {ap:.4f} AUC {auc:.4f}")
        if ap > best_ap:
            best_ap, best_state = ap, copy.deepcopy(model.state_dict())
    model.load_state_dict(best_state)
    p, y = collect(model, val)
    top = np.argsort(-p)[:50]
    print("precision in the 50 most suspicious:", y[top].mean(), "base rate", y.mean())


main()
