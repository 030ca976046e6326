"""Compressive strength of concrete (generated after the usual mix-design rules), a plain regression."""
import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader, TensorDataset

RNG = np.random.default_rng(1998)
torch.manual_seed(1998)


def mixes(n):
    cement = RNG.uniform(150, 500, n)
    slag = RNG.uniform(0, 200, n)
    water = RNG.uniform(130, 230, n)
    plasticizer = RNG.uniform(0, 20, n)
    age = RNG.choice([3, 7, 14, 28, 56, 90], n)
    ratio = water / (cement + 0.6 * slag)
    strength = 110 / 9 ** (1.1 * ratio) * (age / (4 + 0.9 * age)) * (1 + 0.01 * plasticizer)
    strength = strength + RNG.normal(0, 1.0, n)
    x = np.column_stack([cement, slag, water, plasticizer, np.log(age)])
    return x, strength


class Scaler:
    def fit(self, a):
        self.mean, self.std = a.mean(axis=0), a.std(axis=0)
        return self

    def __call__(self, a):
        return torch.tensor((a - self.mean) / self.std, dtype=torch.float32)


x_train, y_train = mixes(2000)
x_test, y_test = mixes(500)
sx, sy = Scaler().fit(x_train), Scaler().fit(y_train)
train_dl = DataLoader(TensorDataset(sx(x_train), sy(y_train)[:, None]), batch_size=50, shuffle=True)
test_x, test_y = sx(x_test), sy(y_test)[:, None]

model = nn.Sequential(nn.Linear(5, 64), nn.GELU(), nn.Linear(64, 32), nn.GELU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=2)
huber = nn.HuberLoss()

for epoch in range(1, 13):
    model.train()
    total = 0.0
    for xb, yb in train_dl:
        optimizer.zero_grad()
        loss = huber(model(xb), yb)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(xb)
    model.eval()
    with torch.no_grad():
        out = model(test_x)
        test_loss = huber(out, test_y).item()
        mae = (out - test_y).abs().mean().item() * sy.std
    scheduler.step(test_loss)
    print(f"epoch {epoch:2d}: train {total / 2000:.4f}, test {test_loss:.4f}, MAE {mae:.2f} MPa")
