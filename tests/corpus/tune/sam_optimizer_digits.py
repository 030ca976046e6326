"""Sharpness-aware minimisation: every update takes two forward and two backward passes."""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class SAM(torch.optim.Optimizer):
    def __init__(self, params, base_cls, rho=0.05, **kwargs):
        super().__init__(params, dict(rho=rho, **kwargs))
        self.base = base_cls(self.param_groups, **kwargs)
        self.param_groups = self.base.param_groups

    def _grads(self):
        return [p for g in self.param_groups for p in g["params"] if p.grad is not None]

    @torch.no_grad()
    def perturb(self):
        params = self._grads()
        norm = torch.stack([p.grad.norm() for p in params]).norm()
        scale = self.param_groups[0]["rho"] / (norm + 1e-12)
        for p in params:
            self.state[p]["old"] = p.detach().clone()
            p.add_(p.grad, alpha=scale.item())

    @torch.no_grad()
    def step(self, closure=None):
        for p in self._grads():
            p.copy_(self.state[p].pop("old"))
        self.base.step()


def train(model, loader, opt):
    model.train()
    total = 0.0
    for x, y in loader:
        opt.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        opt.perturb()
        opt.zero_grad()
        F.cross_entropy(model(x), y).backward()
        opt.step()
        total += loss.item() * len(y)
    return total / len(loader.dataset)


def test(model, x, y):
    model.eval()
    with torch.no_grad():
        out = model(x)
        return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=9)
    ap.add_argument("--rho", type=float, default=0.05)
    args = ap.parse_args()
    torch.manual_seed(16)
    X, y = load_digits(return_X_y=True)
    Xt, Xv, yt, yv = train_test_split(X / 16.0, y, test_size=0.25, stratify=y, random_state=16)
    loader = DataLoader(TensorDataset(torch.tensor(Xt).float(), torch.tensor(yt)), 64, shuffle=True)
    model = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 48), nn.ReLU(), nn.Linear(48, 10))
    opt = SAM(model.parameters(), torch.optim.SGD, rho=args.rho, lr=0.03, momentum=0.9)
    for epoch in range(args.epochs):
        tr = train(model, loader, opt)
        va, acc = test(model, torch.tensor(Xv).float(), torch.tensor(yv))
        print(f"epoch {epoch}: train {tr:.4f} val {va:.4f} acc {acc:.4f}")
