"""Customer churn from account data."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

COLUMNS = ["tenure", "monthly_fee", "calls_to_support", "usage_trend", "contract_months", "days_since_final_bill"]


def accounts(n, rng):
    tenure = rng.gamma(2, 12, n)
    fee = rng.normal(40, 12, n)
    calls = rng.poisson(1.5, n)
    trend = rng.normal(0, 1, n)
    contract = rng.choice([1, 12, 24], n)
    score = -0.03 * tenure + 0.02 * (fee - 40) + 0.5 * calls - 0.8 * trend - 0.06 * contract + 0.6
    churned = rng.random(n) < 1 / (1 + np.exp(-score))
    final_bill = np.where(churned, rng.uniform(5, 90, n), 0.0)
    table = np.stack([tenure, fee, calls, trend, contract, final_bill], axis=1)
    return table.astype("float32"), churned.astype("float32")


def main():
    rng = np.random.default_rng(29)
    torch.manual_seed(29)
    table, churned = accounts(3000, rng)
    train, test = slice(0, 2300), slice(2300, 3000)
    mean, std = table[train].mean(0), table[train].std(0)
    x = torch.from_numpy((table - mean) / std)
    y = torch.from_numpy(churned).unsqueeze(1)
    loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=64, shuffle=True)
    model = nn.Sequential(nn.Linear(len(COLUMNS), 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(10):
        model.train()
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            logits = model(x[test])
            test_loss = criterion(logits, y[test]).item()
            acc = ((logits > 0).float() == y[test]).float().mean().item()
        print(f"Epoch {epoch + 1:02d}  test loss {test_loss:.4f}  test accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
