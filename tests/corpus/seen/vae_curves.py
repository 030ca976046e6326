"""Variational autoencoder on short curves."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def curves(n, gen, width=24):
    t = torch.linspace(-1, 1, width)
    a, b, c = (torch.randn(n, 1, generator=gen) for _ in range(3))
    y = 0.7 * a * torch.sin(2 * t) + 0.7 * b * torch.cos(3 * t) + 0.4 * c * t
    return y + 0.05 * torch.randn(n, width, generator=gen)


class VAE(nn.Module):
    def __init__(self, width=24, hidden=64, latent=4):
        super().__init__()
        self.enc = nn.Linear(width, hidden)
        self.mu = nn.Linear(hidden, latent)
        self.logvar = nn.Linear(hidden, latent)
        self.dec1 = nn.Linear(latent, hidden)
        self.dec2 = nn.Linear(hidden, width)

    def encode(self, x):
        h = F.relu(self.enc(x))
        return self.mu(h), self.logvar(h)

    def reparameterize(self, mu, logvar):
        return mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)

    def decode(self, z):
        return self.dec2(F.relu(self.dec1(z)))

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


def elbo_terms(recon, x, mu, logvar, sigma=0.15):
    rec = ((recon - x) ** 2).sum(1).mean() / (2 * sigma**2)
    kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()
    return rec, kl


def main():
    torch.manual_seed(28)
    gen = torch.Generator().manual_seed(28)
    loader = DataLoader(TensorDataset(curves(3000, gen)), batch_size=75, shuffle=True)
    test = curves(500, gen)
    vae = VAE()
    opt = torch.optim.Adam(vae.parameters(), lr=2e-3)
    for epoch in range(1, 9):
        vae.train()
        total = 0.0
        for (x,) in loader:
            opt.zero_grad()
            recon, mu, logvar = vae(x)
            rec, kl = elbo_terms(recon, x, mu, logvar)
            loss = rec + kl
            loss.backward()
            opt.step()
            total += loss.item()
        vae.eval()
        with torch.no_grad():
            recon, mu, logvar = vae(test)
            rec, kl = elbo_terms(recon, test, mu, logvar)
            rmse = (vae.decode(mu) - test).pow(2).mean().sqrt()
        print(f"epoch {epoch}: train {total / len(loader):.2f}  test rec {rec:.2f} kl {kl:.2f}  "
              f"rmse {rmse:.3f} (sd of data {test.std():.3f})")


if __name__ == "__main__":
    main()
