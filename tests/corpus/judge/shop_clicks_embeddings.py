"""Click prediction from categorical columns with one embedding table per column."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

COLUMNS = {"country": 12, "device": 5, "weekday": 7, "category": 30, "referrer": 9}


def simulate(n, seed):
    rng = np.random.default_rng(seed)
    effects = np.random.default_rng(99)
    cols, score = [], rng.normal(0, 0.5, n)
    for size in COLUMNS.values():
        c = rng.integers(0, size, n)
        score += effects.normal(0, 0.9, size)[c]
        cols.append(c)
    cross = effects.normal(0, 0.8, (COLUMNS["device"], COLUMNS["category"]))
    score += cross[cols[1], cols[3]]
    numeric = rng.normal(0, 1, (n, 3))
    score += numeric @ np.array([0.6, -0.4, 0.2])
    y = (score > 0).astype(np.float32)
    return TensorDataset(torch.tensor(np.stack(cols, 1)), torch.tensor(numeric, dtype=torch.float32), torch.tensor(y))


class ClickModel(nn.Module):
    def __init__(self, columns, n_numeric, dim=8, hidden=48):
        super().__init__()
        self.columns = list(columns)
        self.tables = {name: nn.Embedding(size, dim) for name, size in columns.items()}
        self.mlp = nn.Sequential(
            nn.Linear(dim * len(columns) + n_numeric, hidden), nn.ReLU(),
            nn.Linear(hidden, hidden), nn.ReLU(),
            nn.Linear(hidden, 1))

    def forward(self, cats, nums):
        parts = [self.tables[name](cats[:, i]) for i, name in enumerate(self.columns)]
        return self.mlp(torch.cat(parts + [nums], dim=1)).squeeze(1)


def run_epoch(model, loader, loss_fn, optimizer=None):
    training = optimizer is not None
    model.train(training)
    total, hits, n = 0.0, 0, 0
    with torch.set_grad_enabled(training):
        for cats, nums, y in loader:
            logit = model(cats, nums)
            loss = loss_fn(logit, y)
            if training:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            total += loss.item() * len(y)
            hits += ((logit > 0).float() == y).sum().item()
            n += len(y)
    return total / n, hits / n


def main():
    torch.manual_seed(21)
    train = DataLoader(simulate(6000, 1), batch_size=100, shuffle=True)
    valid = DataLoader(simulate(1500, 2), batch_size=500)
    model = ClickModel(COLUMNS, 3)
    n_params = sum(p.numel() for p in model.parameters())
    print("parameters:", n_params)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    loss_fn = nn.BCEWithLogitsLoss()
    for epoch in range(7):
        tr = run_epoch(model, train, loss_fn, optimizer)
        va = run_epoch(model, valid, loss_fn)
        print(f"epoch {epoch}: train {tr[0]:.4f} ({tr[1]:.3f})  valid {va[0]:.4f} ({va[1]:.3f})")


if __name__ == "__main__":
    main()
