"""Disease progression one year after baseline (sklearn diabetes)."""
import argparse

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split


def mlp(sizes, act=nn.ReLU, dropout=0.0):
    layers = []
    for n_in, n_out in zip(sizes[:-1], sizes[1:]):
        layers.append(nn.Linear(n_in, n_out))
        layers.append(act())
        if dropout and n_out > 1:
            layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers)


def get_data(seed):
    X, y = load_diabetes(return_X_y=True, scaled=False)
    X_tr, X_va, y_tr, y_va = train_test_split(X, y, test_size=0.25, random_state=seed)
    mx, sx = X_tr.mean(0), X_tr.std(0)
    my, sy = y_tr.mean(), y_tr.std()
    t = lambda a: torch.tensor(a, dtype=torch.float32)
    return t((X_tr - mx) / sx), t((y_tr - my) / sy)[:, None], t((X_va - mx) / sx), t((y_va - my) / sy)[:, None]


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--hidden", type=int, nargs="*", default=[32, 32])
    ap.add_argument("--epochs", type=int, default=25)
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--seed", type=int, default=8)
    args = ap.parse_args()

    torch.manual_seed(args.seed)
    X_tr, y_tr, X_va, y_va = get_data(args.seed)
    model = mlp([X_tr.shape[1], *args.hidden, 1], dropout=0.2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
    loss_fn = nn.MSELoss()

    for epoch in range(1, args.epochs + 1):
        model.train()
        losses = []
        for idx in torch.randperm(len(X_tr)).split(16):
            optimizer.zero_grad()
            loss = loss_fn(model(X_tr[idx]), y_tr[idx])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            val = loss_fn(model(X_va), y_va).item()
        if epoch % 5 == 0 or epoch == 1:
            print(f"epoch {epoch:3d}  train {np.mean(losses):.3f}  val {val:.3f}  R2 {1 - val / y_va.var().item():.3f}")


if __name__ == "__main__":
    main()
