"""Training job for a preemptible machine: it is interrupted once and goes on from its checkpoint."""
import os
import tempfile

import torch
import torch.nn.functional as F
from sklearn.datasets import make_classification
from torch import nn
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset, random_split

EPOCHS = 12


def make_loaders():
    X, y = make_classification(3000, 20, n_informative=10, n_redundant=0, n_classes=4, n_clusters_per_class=1,
                               class_sep=1.2, random_state=5)
    X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
    ds = TensorDataset(X, torch.tensor(y))
    tr, va = random_split(ds, [2400, 600], generator=torch.Generator().manual_seed(5))
    return DataLoader(tr, 60, shuffle=True), DataLoader(va, 300)


def make_model():
    return nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))


def save(path, model, optimizer, scheduler, epoch):
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(),
                "scheduler": scheduler.state_dict(), "epoch": epoch}, path)


def job(path, stop_after=None):
    train, val = make_loaders()
    model = make_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scheduler = StepLR(optimizer, step_size=3, gamma=0.4)
    first = 0
    if os.path.exists(path):
        state = torch.load(path)
        model.load_state_dict(state["model"])
        first = state["epoch"] + 1
        print(f"resuming at epoch {first}")
    for epoch in range(first, EPOCHS):
        model.train()
        total = 0.0
        for x, y in train:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            val_loss = sum(F.cross_entropy(model(x), y).item() for x, y in val) / len(val)
        print(f"epoch {epoch} train {total / len(train):.4f} val {val_loss:.4f}")
        save(path, model, optimizer, scheduler, epoch)
        if stop_after is not None and epoch + 1 == stop_after:
            print("preempted")
            return


if __name__ == "__main__":
    torch.manual_seed(5)
    with tempfile.TemporaryDirectory() as folder:
        ckpt = os.path.join(folder, "job.pt")
        job(ckpt, stop_after=6)
        job(ckpt)
