import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

EPS = 0.1


def fgsm(model, x, y, eps):
    was_training = model.training
    model.eval()
    x_adv = (x + torch.empty_like(x).uniform_(-eps / 2, eps / 2)).requires_grad_(True)
    loss = F.cross_entropy(model(x_adv), y)
    grad, = torch.autograd.grad(loss, x_adv)
    model.train(was_training)
    return (x_adv + eps * grad.sign()).clamp(0, 1).detach()


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        clean = (model(x).argmax(1) == y).float().mean().item()
    x_adv = fgsm(model, x, y, EPS)
    with torch.no_grad():
        robust = (model(x_adv).argmax(1) == y).float().mean().item()
    return clean, robust


def main():
    torch.manual_seed(61)
    X, y = load_digits(return_X_y=True)
    X, y = torch.tensor(X / 16, dtype=torch.float32), torch.tensor(y)
    i, j = train_test_split(range(len(y)), test_size=0.25, random_state=61, stratify=y)
    xtr, ytr, xte, yte = X[i], y[i], X[j], y[j]
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.1), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(14):
        model.train()
        total = 0.0
        for b in torch.randperm(len(xtr)).split(64):
            xb, yb = xtr[b], ytr[b]
            xa = fgsm(model, xb, yb, EPS)
            opt.zero_grad()
            loss = 0.5 * F.cross_entropy(model(xb), yb) + 0.5 * F.cross_entropy(model(xa), yb)
            loss.backward()
            opt.step()
            total += loss.item() * len(b)
        if epoch % 2:
            clean, robust = evaluate(model, xte, yte)
            print(f"epoch {epoch + 1:2d} loss {total / len(xtr):.4f} clean {clean:.4f} robust {robust:.4f}")


if __name__ == "__main__":
    main()
