"""Triangular cyclic learning rates on a three-class moons-and-blob problem."""
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import make_blobs, make_moons
from torch.optim.lr_scheduler import CyclicLR
from torch.utils.data import DataLoader, TensorDataset


def load(n, seed):
    moons, side = make_moons(2 * n // 3, noise=0.15, random_state=seed)
    blob, _ = make_blobs(n - 2 * n // 3, centers=[[0.5, 1.6]], cluster_std=0.25, random_state=seed)
    x = np.concatenate([moons, blob])
    y = np.concatenate([side, np.full(len(blob), 2)])
    p = np.random.RandomState(seed).permutation(len(x))
    return torch.tensor(x[p] - [0.5, 0.6], dtype=torch.float32), torch.tensor(y[p])


torch.manual_seed(7)
x_train, y_train = load(1800, 0)
x_test, y_test = load(600, 1)
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=60, shuffle=True)

model = nn.Sequential(nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
scheduler = CyclicLR(optimizer, base_lr=0.02, max_lr=0.12, step_size_up=45, mode="triangular2")
criterion = nn.CrossEntropyLoss()

for epoch in range(12):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        scheduler.step()
    model.eval()
    with torch.no_grad():
        out = model(x_test)
        print(f"epoch {epoch + 1:2d} lr {scheduler.get_last_lr()[0]:.3f} "
              f"test loss {criterion(out, y_test).item():.4f} acc {(out.argmax(1) == y_test).float().mean().item():.3f}")
