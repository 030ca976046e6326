"""Variational autoencoder of the 8x8 digits."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset, random_split


class VAE(nn.Module):
    def __init__(self, hidden=96, latent=6):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(64, hidden), nn.SiLU())
        self.mu, self.log_var = nn.Linear(hidden, latent), nn.Linear(hidden, latent)
        self.decode = nn.Sequential(nn.Linear(latent, hidden), nn.SiLU(), nn.Linear(hidden, 64))

    def forward(self, x):
        h = self.encode(x)
        mu, log_var = self.mu(h), self.log_var(h)
        z = mu + torch.randn_like(mu) * (0.5 * log_var).exp()
        return self.decode(z), mu, log_var


def elbo_loss(model, x):
    logits, mu, log_var = model(x)
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
    kl = -0.5 * (1 + log_var - mu ** 2 - log_var.exp()).sum(1)
    return (rec + kl).mean(), rec.mean(), kl.mean()


def main():
    torch.manual_seed(0)
    x = torch.tensor(load_digits().data / 16.0, dtype=torch.float32)
    train_set, valid_set = random_split(TensorDataset(x), [1440, len(x) - 1440])
    train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
    valid_loader = DataLoader(valid_set, batch_size=len(valid_set))
    model = VAE()
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(1, 14):
        model.train()
        total = 0.0
        for (xb,) in train_loader:
            loss, _, _ = elbo_loss(model, xb)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            total += loss.item() * len(xb)
        model.eval()
        with torch.no_grad():
            (xv,) = next(iter(valid_loader))
            loss, rec, kl = elbo_loss(model, xv)
        print(f"epoch {epoch:2d} train {total / 1440:.2f} valid {loss:.2f} (rec {rec:.2f} kl {kl:.2f})")
    with torch.no_grad():
        samples = torch.sigmoid(model.decode(torch.randn(5, 6)))
    print("sample means", samples.mean(1).tolist())


if __name__ == "__main__":
    main()
