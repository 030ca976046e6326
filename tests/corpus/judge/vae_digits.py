"""Variational autoencoder with KL warm-up on the small digits."""
import torch
from torch import nn
from torch.nn import functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.manual_seed(77)
X, Y = load_digits(return_X_y=True)
X = (X / 16).astype("float32")
Xtr, Xva = (torch.from_numpy(a) for a in train_test_split(X, test_size=0.2, random_state=7))
LATENT = 6


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(64, 96), nn.ReLU())
        self.mu, self.logvar = nn.Linear(96, LATENT), nn.Linear(96, LATENT)
        self.dec = nn.Sequential(nn.Linear(LATENT, 96), nn.ReLU(), nn.Linear(96, 64))

    def forward(self, x):
        h = self.enc(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        return self.dec(z), mu, logvar


def elbo(logits, x, mu, logvar, beta):
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
    kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(1)
    return (rec + beta * kl).mean() / 64, rec.mean().item(), kl.mean().item()


vae = VAE()
opt = torch.optim.Adam(vae.parameters(), lr=2e-3)
EPOCHS = 20
for epoch in range(EPOCHS):
    beta = min(0.4, 0.1 + epoch / 20)
    vae.train()
    tot = 0.0
    batches = torch.randperm(len(Xtr)).split(32)
    for b in batches:
        x = Xtr[b]
        loss, rec, kl = elbo(*[(o := vae(x))[0], x, o[1], o[2]], beta)
        opt.zero_grad()
        loss.backward()
        opt.step()
        tot += loss.item()
    if epoch % 5 == 0 or epoch == EPOCHS - 1:
        vae.eval()
        with torch.no_grad():
            out, mu, lv = vae(Xva)
            v, vrec, vkl = elbo(out, Xva, mu, lv, 0.4)
        print(f"epoch {epoch:2d} beta {beta:.2f} train {tot / len(batches):.4f} | val {v.item():.4f} rec {vrec:.2f} kl {vkl:.2f}")

mean_image = Xtr.mean(0).clamp(1e-3, 1 - 1e-3)
print("rec of the mean image:", F.binary_cross_entropy(mean_image.expand_as(Xva), Xva, reduction="none").sum(1).mean().item())
with torch.no_grad():
    s = torch.sigmoid(vae.dec(torch.randn(2, LATENT))).view(2, 8, 8)
for row in s[0]:
    print("".join(" .:-=+*#%@"[int(v * 9.99)] for v in row))
