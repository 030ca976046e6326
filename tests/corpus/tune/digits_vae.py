"""Variational autoencoder for 8x8 digits (Bernoulli likelihood)."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader


class VAE(nn.Module):
    def __init__(self, latent=8, hidden=96):
        super().__init__()
        self.enc = nn.Linear(64, hidden)
        self.mu = nn.Linear(hidden, latent)
        self.logvar = nn.Linear(hidden, latent)
        self.dec = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, 64))
        self.latent = latent

    def forward(self, x):
        h = F.relu(self.enc(x))
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        return self.dec(z), mu, logvar


def elbo_loss(logits, x, mu, logvar):
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
    kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(1)
    return (rec + kl).mean()


def main():
    torch.manual_seed(10)
    x = torch.tensor(load_digits().data / 16.0, dtype=torch.float32)
    x = x[torch.randperm(len(x))]
    train, val = DataLoader(x[:1400], batch_size=50, shuffle=True), DataLoader(x[1400:], batch_size=397)
    vae = VAE()
    opt = torch.optim.Adam(vae.parameters(), lr=2e-3)
    for epoch in range(12):
        vae.train()
        total = 0.0
        for xb in train:
            opt.zero_grad()
            loss = elbo_loss(*(lambda o: (o[0], xb, o[1], o[2]))(vae(xb)))
            loss.backward()
            opt.step()
            total += loss.item() * len(xb)
        vae.eval()
        with torch.no_grad():
            v = 0.0
            for xb in val:
                logits, mu, logvar = vae(xb)
                v += elbo_loss(logits, xb, mu, logvar).item() * len(xb)
        print(f"epoch {epoch:2d}: train {total / 1400:.2f}  val {v / 397:.2f}")
    with torch.no_grad():
        picture = torch.sigmoid(vae.dec(torch.randn(1, vae.latent))).view(8, 8)
    print((picture * 9).round().int().tolist())


if __name__ == "__main__":
    main()
