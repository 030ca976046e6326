# how many digits do we need?  three repeats for each size, one fixed test set
import numpy as np
import torch
from torch import nn
from sklearn.datasets import load_digits

torch.manual_seed(0)
X, y = load_digits(return_X_y=True)
g = torch.Generator().manual_seed(0)
order = torch.randperm(len(X), generator=g)
X, y = torch.tensor(X / 16., dtype=torch.float32)[order], torch.tensor(y)[order]
X_test, y_test, X_val, y_val, X_pool, y_pool = X[:400], y[:400], X[400:600], y[400:600], X[600:], y[600:]


def train_one(n, repeat):
    rows = torch.randperm(len(X_pool), generator=g)[:n]
    xa, ya = X_pool[rows], y_pool[rows]
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 10))
    opt = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.1)
    best_loss, best_state, patience = float("inf"), None, 0
    steps = 0
    while steps < 240 and patience < 4:
        net.train()
        for _ in range(20):
            b = torch.randint(0, n, (32,), generator=g)
            loss = nn.functional.cross_entropy(net(xa[b]), ya[b])
            opt.zero_grad()
            loss.backward()
            opt.step()
            steps += 1
        net.eval()
        with torch.no_grad():
            v = nn.functional.cross_entropy(net(X_val), y_val).item()
        if v < best_loss:
            best_loss, best_state, patience = v, {k: p.clone() for k, p in net.state_dict().items()}, 0
        else:
            patience += 1
    net.load_state_dict(best_state)
    net.eval()
    with torch.no_grad():
        fit = nn.functional.cross_entropy(net(xa), ya).item()
        acc = (net(X_test).argmax(1) == y_test).float().mean().item()
    return fit, best_loss, acc


for n in (150, 300, 600, 1197):
    res = np.array([train_one(n, r) for r in range(3)])
    m, s = res.mean(0), res.std(0)
    print(f"n={n:5d}  train {m[0]:.3f}  val {m[1]:.3f}  test acc {m[2]:.3f} ± {s[2]:.3f}  " + "#" * int(m[2] * 50))
