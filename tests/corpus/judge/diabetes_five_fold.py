"""Five-fold cross-validation of a small network on the diabetes data, best weights of each fold kept."""
import copy

import numpy as np
import torch
from sklearn.datasets import load_diabetes
from sklearn.model_selection import KFold
from torch import nn


def fit_fold(X, y, tr, va, max_epochs=40, patience=6):
    mx, sx = X[tr].mean(0), X[tr].std(0)
    my, sy = y[tr].mean(), y[tr].std()
    t = lambda a: torch.tensor(a, dtype=torch.float32)
    xt, yt = t((X[tr] - mx) / sx), t((y[tr] - my) / sy)[:, None]
    xv, yv = t((X[va] - mx) / sx), t((y[va] - my) / sy)[:, None]
    net = nn.Sequential(nn.Linear(10, 24), nn.ReLU(), nn.Dropout(0.1), nn.Linear(24, 1))
    opt = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.02)
    best, best_state, bad = float("inf"), None, 0
    for epoch in range(max_epochs):
        net.train()
        total = 0.0
        for idx in torch.randperm(len(xt)).split(24):
            opt.zero_grad()
            loss = nn.functional.mse_loss(net(xt[idx]), yt[idx])
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        net.eval()
        with torch.no_grad():
            val = nn.functional.mse_loss(net(xv), yv).item()
        if val < best - 1e-4:
            best, best_state, bad = val, copy.deepcopy(net.state_dict()), 0
        else:
            bad += 1
            if bad >= patience:
                break
    net.load_state_dict(best_state)
    net.eval()
    with torch.no_grad():
        rmse = nn.functional.mse_loss(net(xv), yv).sqrt().item() * sy
    return epoch + 1, total / len(xt), best, rmse


def main():
    torch.manual_seed(100)
    X, y = load_diabetes(return_X_y=True, scaled=False)
    scores = []
    for k, (tr, va) in enumerate(KFold(5, shuffle=True, random_state=100).split(X)):
        epochs, train, val, rmse = fit_fold(X, y, tr, va)
        scores.append(rmse)
        print(f"fold {k}: {epochs} epochs, train {train:.3f}, best valid {val:.3f}, rmse {rmse:.1f}")
    print(f"rmse {np.mean(scores):.1f} +- {np.std(scores):.1f}")


if __name__ == "__main__":
    main()
