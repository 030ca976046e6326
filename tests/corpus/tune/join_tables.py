"""Images live in one table and labels in another; both carry an id column."""
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(13)
rng = np.random.default_rng(13)


def image_table():
    d = load_digits()
    rows = [{"id": i, "pixels": d.data[i] / 16.0} for i in range(len(d.data))]
    rng.shuffle(rows)
    return rows


def label_table():
    d = load_digits()
    rows = [{"id": str(i), "digit": int(d.target[i])} for i in range(len(d.target))]
    rng.shuffle(rows)
    return rows


def join(images, labels):
    images = sorted(images, key=lambda r: r["id"])
    labels = sorted(labels, key=lambda r: r["id"])
    x = np.stack([r["pixels"] for r in images]).astype(np.float32)
    y = np.array([r["digit"] for r in labels])
    return torch.from_numpy(x), torch.from_numpy(y)


class Classifier(nn.Module):
    def __init__(self, width=384):
        super().__init__()
        self.a = nn.Linear(64, width)
        self.b = nn.Linear(width, width)
        self.c = nn.Linear(width, 10)

    def forward(self, x):
        return self.c(F.relu(self.b(F.relu(self.a(x)))))


x, y = join(image_table(), label_table())
order = torch.randperm(len(x))
cut = int(0.75 * len(x))
tr, te = order[:cut], order[cut:]
train_dl = DataLoader(TensorDataset(x[tr], y[tr]), batch_size=64, shuffle=True)
test_dl = DataLoader(TensorDataset(x[te], y[te]), batch_size=450)

model = Classifier()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(40):
    model.train()
    total = good = 0
    for xb, yb in train_dl:
        opt.zero_grad()
        out = model(xb)
        loss = F.cross_entropy(out, yb)
        loss.backward()
        opt.step()
        total += loss.item() * len(xb)
        good += (out.argmax(1) == yb).sum().item()
    if epoch % 4 == 3:
        model.eval()
        with torch.no_grad():
            for xb, yb in test_dl:
                out = model(xb)
                print(f"epoch {epoch + 1:3d} train loss {total / cut:.3f} acc {good / cut:.3f} "
                      f"| test loss {F.cross_entropy(out, yb).item():.3f} acc {(out.argmax(1) == yb).float().mean():.3f}")
