"""Adversarially robust digit classifier: half of each batch is moved along the sign of its gradient."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset, random_split

EPS = 0.08


def fgsm(model, x, y, eps=EPS):
    x = x.clone().requires_grad_(True)
    loss = F.cross_entropy(model(x), y)
    grad, = torch.autograd.grad(loss, x)
    return (x + eps * grad.sign()).clamp(0, 1).detach()


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 16, 3, padding=1)
        self.c2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc = nn.Linear(32 * 16, 10)
        self.drop = nn.Dropout(0.2)

    def forward(self, x):
        x = F.relu(self.c1(x))
        x = F.max_pool2d(F.relu(self.c2(x)), 2)
        return self.fc(self.drop(x.flatten(1)))


def evaluate(model, loader):
    model.eval()
    clean = robust = loss = n = 0
    for x, y in loader:
        with torch.no_grad():
            out = model(x)
            loss += F.cross_entropy(out, y, reduction="sum").item()
            clean += (out.argmax(1) == y).sum().item()
        moved = fgsm(model, x, y)
        with torch.no_grad():
            robust += (model(moved).argmax(1) == y).sum().item()
        n += len(y)
    return loss / n, clean / n, robust / n


def main():
    torch.manual_seed(11)
    d = load_digits()
    data = TensorDataset(torch.tensor(d.images, dtype=torch.float32)[:, None] / 16, torch.tensor(d.target))
    train, valid = random_split(data, [1300, len(data) - 1300])
    train_dl = DataLoader(train, batch_size=32, shuffle=True)
    valid_dl = DataLoader(valid, batch_size=250)
    model = Classifier()
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(7):
        model.train()
        total = n = 0
        for x, y in train_dl:
            half = len(x) // 2
            mixed = torch.cat([x[:half], fgsm(model, x[half:], y[half:])])
            opt.zero_grad()
            loss = F.cross_entropy(model(mixed), y)
            loss.backward()
            opt.step()
            total, n = total + loss.item() * len(y), n + len(y)
        print(f"epoch {epoch} train {total / n:.3f} valid %.3f clean %.3f attacked %.3f" % evaluate(model, valid_dl))


if __name__ == "__main__":
    main()
