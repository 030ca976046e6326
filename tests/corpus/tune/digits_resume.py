import os
import tempfile

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

CKPT = os.path.join(tempfile.mkdtemp(), "last.pt")
TOTAL_EPOCHS = 20


def loaders():
    X, y = load_digits(return_X_y=True)
    X = X / 16.0
    Xa, Xb, ya, yb = train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)
    a = TensorDataset(torch.tensor(Xa).float(), torch.tensor(ya))
    b = TensorDataset(torch.tensor(Xb).float(), torch.tensor(yb))
    return DataLoader(a, 64, shuffle=True), DataLoader(b, 450)


def build():
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=TOTAL_EPOCHS)
    return model, optimizer, scheduler


def save(model, optimizer, scheduler, epoch):
    torch.save({
        "epoch": epoch,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
    }, CKPT)


def restore(model):
    ckpt = torch.load(CKPT)
    model.load_state_dict(ckpt["model"])
    return ckpt["epoch"] + 1


def fit(model, optimizer, scheduler, first, last, train_dl, test_dl):
    for epoch in range(first, last):
        model.train()
        for x, y in train_dl:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            acc = sum((model(x).argmax(1) == y).sum().item() for x, y in test_dl) / len(test_dl.dataset)
        print(f"epoch {epoch} loss {loss.item():.4f} acc {acc:.4f} lr {scheduler.get_last_lr()[0]:.5f}")
        save(model, optimizer, scheduler, epoch)


if __name__ == "__main__":
    torch.manual_seed(0)
    train_dl, test_dl = loaders()

    model, optimizer, scheduler = build()
    fit(model, optimizer, scheduler, 0, 10, train_dl, test_dl)
    print("-- job time limit reached, resubmitting --")

    model, optimizer, scheduler = build()
    start = restore(model)
    fit(model, optimizer, scheduler, start, TOTAL_EPOCHS, train_dl, test_dl)
