"""Training that survives pre-emption: saves a checkpoint and picks it up again."""
import os
import tempfile

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def blobs(n, seed):
    g = torch.Generator().manual_seed(seed)
    centres = torch.tensor([[0.0, 0.0], [2, 0], [0, 2], [2, 2], [1, 1]])
    k = torch.randint(0, 5, (n,), generator=g)
    x = centres[k] + 0.28 * torch.randn(n, 2, generator=g)
    return x - 1, (k == 4).long() + 2 * ((k == 1) | (k == 2)).long()


def build():
    return nn.Sequential(nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 3))


def train(path, until_epoch):
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.95)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=16)
    first_epoch = 0
    if os.path.exists(path):
        checkpoint = torch.load(path)
        model.load_state_dict(checkpoint["model"])
        first_epoch = checkpoint["epoch"] + 1
        print("resuming at epoch", first_epoch)

    for epoch in range(first_epoch, until_epoch):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            acc = (model(x_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch:2d} loss {loss.item():.3f} lr {scheduler.get_last_lr()[0]:.4f} test acc {acc:.3f}")
        torch.save({
            "epoch": epoch,
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "scheduler": scheduler.state_dict(),
        }, path)


torch.manual_seed(9)
train_loader = DataLoader(TensorDataset(*blobs(2000, 0)), batch_size=50, shuffle=True)
x_test, y_test = blobs(500, 1)

with tempfile.TemporaryDirectory() as folder:
    ckpt = os.path.join(folder, "last.pt")
    train(ckpt, until_epoch=8)
    # the queue gives the machine back to us
    train(ckpt, until_epoch=16)
