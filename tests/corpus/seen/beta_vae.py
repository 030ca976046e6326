"""VAE on digit images; the latent code is sampled in training and in evaluation."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F


class VAE(nn.Module):
    def __init__(self, latent=6):
        super().__init__()
        self.fc1 = nn.Linear(64, 64)
        self.fc_mu = nn.Linear(64, latent)
        self.fc_logvar = nn.Linear(64, latent)
        self.fc3 = nn.Linear(latent, 64)
        self.fc4 = nn.Linear(64, 64)

    def encode(self, x):
        h = F.relu(self.fc1(x))
        return self.fc_mu(h), self.fc_logvar(h)

    def reparameterize(self, mu, logvar):
        return mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)

    def decode(self, z):
        return self.fc4(F.relu(self.fc3(z)))

    def forward(self, x):
        mu, logvar = self.encode(x)
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar


def elbo_terms(logits, x, mu, logvar):
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x)
    return rec, kld


def main():
    torch.manual_seed(11)
    x = torch.tensor(load_digits().data, dtype=torch.float32) / 16
    x = x[torch.randperm(len(x))]
    train, test = x[:1440], x[1440:]
    vae = VAE()
    opt = torch.optim.Adam(vae.parameters(), lr=2e-3)
    for epoch in range(20):
        vae.train()
        total = 0.0
        for ids in torch.randperm(len(train)).split(48):
            rec, kld = elbo_terms(*((o := vae(train[ids]))[0], train[ids], o[1], o[2]))
            loss = rec + kld
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        vae.eval()
        with torch.no_grad():
            out, mu, lv = vae(test)
            rec, kld = elbo_terms(out, test, mu, lv)
        if epoch % 4 == 3:
            print(f"epoch {epoch + 1}: train {total / 30:.2f} test {rec + kld:.2f} (rec {rec:.2f} kl {kld:.2f})")


if __name__ == "__main__":
    main()
