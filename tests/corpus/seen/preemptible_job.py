"""Training job that may be stopped and started again; it keeps a checkpoint between the two halves."""
import os
import tempfile

import torch
from sklearn.datasets import load_digits
from torch import nn

CKPT = os.path.join(tempfile.mkdtemp(), "last.pt")
TOTAL_EPOCHS = 16


def get_data():
    d = load_digits()
    g = torch.Generator().manual_seed(99)
    p = torch.randperm(len(d.target), generator=g)
    x = torch.tensor(d.data / 16.0, dtype=torch.float32)[p]
    y = torch.tensor(d.target)[p]
    return (x[:1400], y[:1400]), (x[1400:], y[1400:])


def build():
    model = nn.Sequential(nn.Linear(64, 80), nn.ReLU(), nn.Linear(80, 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=TOTAL_EPOCHS)
    return model, optimizer, scheduler


def job(stop_after):
    (x, y), (xv, yv) = get_data()
    model, optimizer, scheduler = build()
    first = 0
    if os.path.exists(CKPT):
        state = torch.load(CKPT)
        model.load_state_dict(state["model"])
        first = state["epoch"] + 1
        print("resuming at epoch", first)
    for epoch in range(first, min(TOTAL_EPOCHS, first + stop_after)):
        model.train()
        for ids in torch.randperm(len(x)).split(56):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x[ids]), y[ids])
            loss.backward()
            optimizer.step()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            acc = (model(xv).argmax(1) == yv).float().mean().item()
        print(f"epoch {epoch:2d} loss {loss.item():.3f} val acc {acc:.3f}")
        torch.save({"model": model.state_dict(), "epoch": epoch}, CKPT)


torch.manual_seed(99)
job(stop_after=8)
job(stop_after=8)
