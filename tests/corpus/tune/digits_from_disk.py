"""Train on a directory of exported arrays (one .npy a picture) and a label file."""
import tempfile
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SEED = 21


def export(folder: Path):
    digits = load_digits()
    order = np.random.default_rng(SEED).permutation(len(digits.target))[:1200]
    for i, k in enumerate(order):
        np.save(folder / f"img_{i}.npy", digits.data[k].astype(np.float32))
    np.savetxt(folder / "labels.txt", digits.target[order], fmt="%d")


def load(folder: Path):
    files = sorted(folder.glob("img_*.npy"))
    x = np.stack([np.load(f) for f in files]) / 16.0
    y = np.loadtxt(folder / "labels.txt", dtype=np.int64)
    assert len(x) == len(y)
    return torch.from_numpy(x) - 0.3, torch.from_numpy(y)


def run_epoch(model, loader, criterion, optimizer=None):
    training = optimizer is not None
    model.train(training)
    loss_sum, correct, n = 0.0, 0, 0
    with torch.set_grad_enabled(training):
        for xb, yb in loader:
            logits = model(xb)
            loss = criterion(logits, yb)
            if training:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            loss_sum += loss.item() * len(yb)
            correct += (logits.argmax(1) == yb).sum().item()
            n += len(yb)
    return loss_sum / n, correct / n


def main():
    torch.manual_seed(SEED)
    with tempfile.TemporaryDirectory() as tmp:
        folder = Path(tmp)
        export(folder)
        x, y = load(folder)
    cut = 900
    train_loader = DataLoader(TensorDataset(x[:cut], y[:cut]), batch_size=32, shuffle=True)
    valid_loader = DataLoader(TensorDataset(x[cut:], y[cut:]), batch_size=256)
    model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(30):
        tl, ta = run_epoch(model, train_loader, criterion, optimizer)
        vl, va = run_epoch(model, valid_loader, criterion)
        if epoch % 2 == 1:
            print(f"epoch {epoch + 1:3d}: train {tl:.3f}/{ta:.3f} valid {vl:.3f}/{va:.3f}")


if __name__ == "__main__":
    main()
