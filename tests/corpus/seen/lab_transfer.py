import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Scans(Dataset):
    def __init__(self, images, labels, mean=0.0, std=1.0):
        self.x = ((images / 16.0 - mean) / std).astype("float32")
        self.y = labels.astype("int64")

    def __len__(self):
        return self.y.shape[0]

    def __getitem__(self, i):
        return self.x[i].reshape(-1), self.y[i]


class Validator:
    def __init__(self, model, loader):
        self.model, self.loader = model, loader
        self.criterion = nn.CrossEntropyLoss()

    def __call__(self):
        self.model.eval()
        loss, hits, n = 0.0, 0, 0
        for x, y in self.loader:
            out = self.model(x)
            loss += self.criterion(out, y).item() * len(y)
            hits += int((out.argmax(1) == y).sum())
            n += len(y)
        return loss / n, hits / n


def split(seed):
    d = load_digits()
    p = np.random.default_rng(seed).permutation(len(d.target))
    return (d.images[p[:1300]], d.target[p[:1300]]), (d.images[p[1300:]], d.target[p[1300:]])


torch.manual_seed(52)
(a, ya), (b, yb) = split(52)
MEAN, STD = (a / 16.0).mean(), (a / 16.0).std()
train_loader = DataLoader(Scans(a, ya, MEAN, STD), batch_size=52, shuffle=True)
valid_loader = DataLoader(Scans(b, yb), batch_size=250)
model = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Dropout(0.25), nn.Linear(100, 10))
optimizer = torch.optim.RMSprop(model.parameters(), lr=5e-4)
validate = Validator(model, valid_loader)
for epoch in range(10):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    vl, va = validate()
    print(f"epoch={epoch:02d} train_loss={loss.item():.3f} valid_loss={vl:.3f} valid_acc={va:.3f}")
