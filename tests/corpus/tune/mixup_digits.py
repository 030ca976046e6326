"""Mixup on digits; reports accuracy on the clean training data and on held-out data."""
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset


def mixup(x, y, n_classes, alpha, rng):
    lam = rng.beta(alpha, alpha)
    perm = torch.randperm(len(x))
    onehot = nn.functional.one_hot(y, n_classes).float()
    return lam * x + (1 - lam) * x[perm], lam * onehot + (1 - lam) * onehot[perm]


def evaluate(model, loader):
    model.eval()
    ce, loss, ok = nn.CrossEntropyLoss(reduction="sum"), 0.0, 0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            loss += ce(out, y).item()
            ok += (out.argmax(1) == y).sum().item()
    return loss / len(loader.dataset), ok / len(loader.dataset)


def main(seed=9):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    d = load_digits()
    order = rng.permutation(len(d.target))
    x = torch.tensor(d.images[order] / 16.0, dtype=torch.float32).unsqueeze(1)
    y = torch.tensor(d.target[order])
    train_set, test_set = TensorDataset(x[:1350], y[:1350]), TensorDataset(x[1350:], y[1350:])
    loader = DataLoader(train_set, batch_size=50, shuffle=True)
    eval_train, eval_test = DataLoader(train_set, batch_size=450), DataLoader(test_set, batch_size=450)
    model = nn.Sequential(
        nn.Conv2d(1, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(24, 48, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(192, 10),
    )
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=10)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(10):
        model.train()
        tot = 0.0
        for xb, yb in loader:
            xm, ym = mixup(xb, yb, 10, 0.4, rng)
            opt.zero_grad()
            loss = criterion(model(xm), ym)
            loss.backward()
            opt.step()
            tot += loss.item()
        sched.step()
        if epoch % 2 == 1:
            tl, ta = evaluate(model, eval_train)
            vl, va = evaluate(model, eval_test)
            print(f"epoch {epoch + 1}: mixup {tot / len(loader):.3f} | train {tl:.3f} {ta:.3f} | test {vl:.3f} {va:.3f}")


if __name__ == "__main__":
    main()
