"""Variational autoencoder of 8x8 digits."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class VAE(nn.Module):
    def __init__(self, latent=6):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(64, 96), nn.ReLU())
        self.mu, self.logvar = nn.Linear(96, latent), nn.Linear(96, latent)
        self.dec = nn.Sequential(nn.Linear(latent, 96), nn.ReLU(), nn.Linear(96, 64))

    def forward(self, x):
        h = self.enc(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        return self.dec(z), mu, logvar


def neg_elbo(logits, x, mu, logvar):
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
    kl = -0.5 * (1 + logvar - mu.square() - logvar.exp()).sum(1)
    return (rec + kl).mean()


torch.manual_seed(15)
x = torch.tensor(load_digits().data, dtype=torch.float32) / 16
train_set, val_set = random_split(TensorDataset(x), [1397, 400])
train_dl, val_dl = DataLoader(train_set, 64, shuffle=True), DataLoader(val_set, 200)
vae = VAE()
opt = torch.optim.Adam(vae.parameters(), lr=2e-3)
for epoch in range(15):
    vae.train()
    tot = 0.0
    for (xb,) in train_dl:
        opt.zero_grad()
        loss = neg_elbo(*(lambda r: (r[0], xb, r[1], r[2]))(vae(xb)))
        loss.backward()
        opt.step()
        tot += loss.item()
    vae.eval()
    val = 0.0
    with torch.no_grad():
        for (xb,) in val_dl:
            out, mu, logvar = vae(xb)
            val += neg_elbo(out, xb, mu, logvar).item()
    print(f"epoch {epoch:2d} -elbo train {tot / len(train_dl):.2f} val {val / len(val_dl):.2f}")
