import argparse

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class VAE(nn.Module):
    def __init__(self, z=6, h=96):
        super().__init__()
        self.fc1 = nn.Linear(64, h)
        self.mu = nn.Linear(h, z)
        self.logvar = nn.Linear(h, z)
        self.fc3 = nn.Linear(z, h)
        self.fc4 = nn.Linear(h, 64)

    def reparameterize(self, mu, logvar):
        return mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)

    def forward(self, x):
        h = F.relu(self.fc1(x))
        mu, logvar = self.mu(h), self.logvar(h)
        z = self.reparameterize(mu, logvar)
        return self.fc4(F.relu(self.fc3(z))), mu, logvar


def elbo(recon, x, mu, logvar, beta):
    bce = F.binary_cross_entropy_with_logits(recon, x, reduction="sum") / len(x)
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x)
    return bce + beta * kld, bce, kld


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=24)
    ap.add_argument("--lr", type=float, default=4e-3)
    args = ap.parse_args()
    torch.manual_seed(3)
    x = torch.tensor(load_digits().data / 16.0, dtype=torch.float32)
    x = x[torch.randperm(len(x))]
    train_dl = DataLoader(TensorDataset(x[:1500]), batch_size=64, shuffle=True)
    test_dl = DataLoader(TensorDataset(x[1500:]), batch_size=297)
    model = VAE()
    opt = torch.optim.Adam(model.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        beta = min(1.0, epoch / 8)
        model.train()
        tot = 0.0
        for (xb,) in train_dl:
            loss, _, _ = elbo(*forward_args(model, xb), beta)
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item() * len(xb)
        model.eval()
        with torch.no_grad():
            (xt,) = next(iter(test_dl))
            full, bce, kld = elbo(*forward_args(model, xt), 1.0)
        print(f"epoch {epoch + 1:2d} train {tot / 1500:.2f} | test elbo {full:.2f} (bce {bce:.2f} kl {kld:.2f})")


def forward_args(model, xb):
    recon, mu, logvar = model(xb)
    return recon, xb, mu, logvar


if __name__ == "__main__":
    main()
