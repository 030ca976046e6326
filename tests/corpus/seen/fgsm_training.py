"""Adversarial training with FGSM and robust accuracy measured under the same attack."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def attack(model, x, y, eps):
    x = x.clone().requires_grad_(True)
    g, = torch.autograd.grad(F.cross_entropy(model(x), y), x)
    return (x + eps * g.sign()).clamp(0, 1).detach()


def robust_accuracy(model, loader, eps):
    model.eval()
    clean = robust = n = 0
    for x, y in loader:
        adv = attack(model, x, y, eps)
        with torch.no_grad():
            clean += (model(x).argmax(1) == y).sum().item()
            robust += (model(adv).argmax(1) == y).sum().item()
        n += len(y)
    return clean / n, robust / n


def main():
    torch.manual_seed(84)
    d = load_digits()
    x, y = torch.tensor(d.data, dtype=torch.float32) / 16, torch.tensor(d.target)
    p = torch.randperm(len(y))
    train = DataLoader(TensorDataset(x[p[:1440]], y[p[:1440]]), batch_size=60, shuffle=True)
    test = DataLoader(TensorDataset(x[p[1440:]], y[p[1440:]]), batch_size=200)
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(10):
        model.train()
        for xb, yb in train:
            adv = attack(model, xb, yb, 0.08)
            opt.zero_grad()
            loss = 0.5 * F.cross_entropy(model(xb), yb) + 0.5 * F.cross_entropy(model(adv), yb)
            loss.backward()
            opt.step()
        if epoch % 2:
            c, r = robust_accuracy(model, test, 0.08)
            print(f"epoch {epoch + 1}: loss {loss.item():.3f} clean {c:.3f} robust {r:.3f}")


main()
