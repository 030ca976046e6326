"""float16 autocast with loss scaling on the digits; gradient norm is limited to 1."""
import argparse

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.amp import GradScaler, autocast
from torch.utils.data import DataLoader, TensorDataset


def get_args():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=8)
    p.add_argument("--batch-size", type=int, default=64)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--clip", type=float, default=1.0)
    return p.parse_args()


class MixedPrecisionStepper:
    """Owns scaler and optimizer, so that the loop stays readable."""

    def __init__(self, params, lr, clip):
        self.params = list(params)
        self.optimizer = torch.optim.AdamW(self.params, lr=lr, weight_decay=1e-2)
        self.scaler = GradScaler("cpu", init_scale=2.0 ** 12)
        self.clip = clip

    def __call__(self, loss):
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self._limit_norm()
        self.scaler.step(self.optimizer)
        self.scaler.update()

    def _limit_norm(self):
        if self.clip:
            torch.nn.utils.clip_grad_norm_(self.params, self.clip)


def build():
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.1), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))


def validate(model, loader, criterion):
    model.eval()
    loss, acc, n = 0.0, 0, 0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            loss += criterion(out, y).item() * len(y)
            acc += (out.argmax(1) == y).sum().item()
            n += len(y)
    return loss / n, acc / n


def main():
    args = get_args()
    torch.manual_seed(6)
    X, y = load_digits(return_X_y=True)
    X = X / 16.0
    Xtr, Xte, ytr, yte = train_test_split(X, y, test_size=0.2, stratify=y, random_state=6)
    train = DataLoader(TensorDataset(torch.tensor(Xtr).float(), torch.tensor(ytr)), args.batch_size, shuffle=True)
    test = DataLoader(TensorDataset(torch.tensor(Xte).float(), torch.tensor(yte)), 256)
    model, criterion = build(), nn.CrossEntropyLoss()
    stepper = MixedPrecisionStepper(model.parameters(), args.lr, args.clip)
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for x, y in train:
            with autocast("cpu", dtype=torch.float16):
                loss = criterion(model(x), y)
            stepper(loss)
            total += loss.item()
        v, a = validate(model, test, criterion)
        print(f"epoch {epoch} train {total / len(train):.4f} val {v:.4f} acc {a:.4f} scale {stepper.scaler.get_scale():.0f}")


if __name__ == "__main__":
    main()
