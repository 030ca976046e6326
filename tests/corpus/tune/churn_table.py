"""Churn model on a simulated telecom customer table."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

FEATURES = [
    "tenure_months", "monthly_fee", "support_calls", "data_gb", "late_payments", "age",
    "retention_calls_after_notice",
    "contract_two_year",
]


def simulate_customers(n, rng):
    c = {}
    c["tenure_months"] = rng.gamma(3.0, 10.0, n)
    c["monthly_fee"] = rng.normal(45, 12, n)
    c["support_calls"] = rng.poisson(1.5, n).astype(float)
    c["data_gb"] = rng.gamma(2.0, 6.0, n)
    c["late_payments"] = rng.poisson(0.6, n).astype(float)
    c["age"] = rng.normal(44, 14, n)
    c["contract_two_year"] = (rng.random(n) < 0.4).astype(float)
    score = (-0.04 * c["tenure_months"] + 0.03 * (c["monthly_fee"] - 45) + 0.5 * c["support_calls"]
             + 0.4 * c["late_payments"] - 0.9 * c["contract_two_year"] + 0.4)
    churned = rng.random(n) < 1 / (1 + np.exp(-score))
    c["retention_calls_after_notice"] = np.where(churned, 1 + rng.poisson(1.2, n), 0).astype(float)
    c["churned"] = churned.astype(float)
    return c


def to_arrays(customers):
    X = np.stack([customers[f] for f in FEATURES], axis=1)
    return X.astype(np.float32), customers["churned"].astype(np.float32)


def make_loaders(seed=2, batch_size=64):
    rng = np.random.default_rng(seed)
    X, y = to_arrays(simulate_customers(4000, rng))
    order = rng.permutation(len(X))
    tr, te = order[:3200], order[3200:]
    mean, std = X[tr].mean(0), X[tr].std(0)
    X = (X - mean) / std

    def loader(idx, **kw):
        return DataLoader(TensorDataset(torch.from_numpy(X[idx]), torch.from_numpy(y[idx])), **kw)

    return loader(tr, batch_size=batch_size, shuffle=True), loader(te, batch_size=400)


def evaluate(model, loader, criterion):
    model.eval()
    loss, right = 0.0, 0
    with torch.no_grad():
        for x, y in loader:
            z = model(x).squeeze(1)
            loss += criterion(z, y).item() * len(y)
            right += ((z > 0) == (y > 0.5)).sum().item()
    n = len(loader.dataset)
    return loss / n, right / n


def main():
    torch.manual_seed(2)
    train_loader, test_loader = make_loaders()
    model = nn.Sequential(nn.Linear(len(FEATURES), 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(8):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x).squeeze(1), y)
            loss.backward()
            optimizer.step()
        l, a = evaluate(model, test_loader, criterion)
        print(f"epoch {epoch + 1}: test loss {l:.4f} accuracy {a:.4f}")


if __name__ == "__main__":
    main()
