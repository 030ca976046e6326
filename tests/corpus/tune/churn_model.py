"""Predict which customers will leave, from the CRM table."""
import numpy as np
import torch
from torch import nn, optim

rng = np.random.default_rng(17)
torch.manual_seed(17)


def crm_table(n=3000):
    tenure = rng.gamma(3, 10, n)
    monthly = rng.normal(60, 18, n)
    calls = rng.poisson(2, n)
    contract = rng.integers(0, 3, n)
    usage = rng.normal(0, 1, n)
    age = rng.normal(45, 12, n)
    late = rng.poisson(0.8, n)
    logit = -0.05 * tenure + 0.03 * (monthly - 60) + 0.5 * (calls - 2) - 0.6 * contract - 0.7 * usage + 0.4 * late + 1.4
    churned = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(np.int64)
    # the billing system's view of each contract at export time
    final_bill = np.where(churned == 1, rng.gamma(4, 15, n) + 5, 0) + rng.normal(0, 0.3, n)
    columns = {
        "tenure": tenure, "monthly": monthly, "support_calls": calls, "contract": contract,
        "usage_trend": usage, "age": age, "late_payments": late, "final_bill": final_bill,
    }
    return columns, churned


def to_matrix(columns, names):
    return np.stack([np.asarray(columns[n], dtype=np.float32) for n in names], axis=1)


columns, churned = crm_table()
names = list(columns)
X = to_matrix(columns, names)
y = churned

order = rng.permutation(len(y))
tr, va = order[:2250], order[2250:]
mean, std = X[tr].mean(0), X[tr].std(0)
X = torch.from_numpy((X - mean) / std)
y = torch.from_numpy(y).float()
print("churn rate", y.mean().item(), "features", names)

net = nn.Sequential(nn.Linear(len(names), 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))
criterion = nn.BCEWithLogitsLoss()
optimizer = optim.Adam(net.parameters(), lr=1e-3)

for epoch in range(1, 13):
    net.train()
    losses = []
    perm = torch.from_numpy(rng.permutation(tr))
    for idx in perm.split(64):
        optimizer.zero_grad()
        loss = criterion(net(X[idx]).squeeze(1), y[idx])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        out = net(X[va]).squeeze(1)
        val_loss = criterion(out, y[va]).item()
        acc = ((out > 0).float() == y[va]).float().mean().item()
    print(f"epoch {epoch:2d} loss {np.mean(losses):.4f} val_loss {val_loss:.4f} val_acc {acc:.4f}")
