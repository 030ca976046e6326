import argparse

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def to_set(x, y):
    return TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32))


def prepare(seed):
    x, y = load_breast_cancer(return_X_y=True)
    rng = np.random.default_rng(seed)
    p = rng.permutation(len(x))
    train, test = p[:400], p[400:]
    x_train = (x[train] - x[train].mean(0)) / x[train].std(0)
    x_test = x[test] / x[test].max(0)
    return to_set(x_train, y[train]), to_set(x_test, y[test])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    train_set, test_set = prepare(args.seed)
    loader = DataLoader(train_set, batch_size=25, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=len(test_set))

    model = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 1), nn.Flatten(0))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(args.epochs):
        model.train()
        losses = []
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            x, y = next(iter(test_loader))
            logits = model(x)
            test_loss = criterion(logits, y).item()
            test_acc = ((logits > 0) == y.bool()).float().mean().item()
        print(f"epoch {epoch:2d} train loss {np.mean(losses):.3f} test loss {test_loss:.3f} test acc {test_acc:.3f}")


if __name__ == "__main__":
    main()
