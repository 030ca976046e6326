import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def mixup(x, y, alpha, rng):
    lam = float(rng.beta(alpha, alpha))
    j = torch.randperm(len(x))
    soft = nn.functional.one_hot(y, 10).float()
    return lam * x + (1 - lam) * x[j], lam * soft + (1 - lam) * soft[j]


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.depthwise = nn.Sequential(
            nn.Conv2d(1, 24, 3, padding=1), nn.ReLU(),
            nn.Conv2d(24, 24, 3, padding=1, groups=24), nn.Conv2d(24, 48, 1), nn.ReLU(), nn.MaxPool2d(2))
        self.fc = nn.Linear(48 * 16, 10)

    def forward(self, x):
        return self.fc(self.depthwise(x).flatten(1))


def main():
    rng = np.random.default_rng(97)
    torch.manual_seed(97)
    d = load_digits()
    p = rng.permutation(len(d.target))
    x = torch.tensor(d.images[p] / 16, dtype=torch.float32).unsqueeze(1)
    y = torch.tensor(d.target[p])
    train = DataLoader(TensorDataset(x[:1450], y[:1450]), batch_size=50, shuffle=True)
    model = Model()
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=4e-3, epochs=7, steps_per_epoch=len(train))
    for epoch in range(7):
        model.train()
        for xb, yb in train:
            xm, ym = mixup(xb, yb, 0.3, rng)
            loss = nn.functional.cross_entropy(model(xm), ym)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
        model.eval()
        with torch.no_grad():
            acc = (model(x[1450:]).argmax(1) == y[1450:]).float().mean().item()
        print(f"epoch {epoch} mixup loss {loss.item():.3f} clean accuracy {acc:.3f}")


main()
