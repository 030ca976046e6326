import torch, torch.nn as nn, torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)
x = torch.tensor(load_digits().images, dtype=torch.float32)[:, None] / 16
tr, va = random_split(TensorDataset(x), [1500, len(x) - 1500])


class VAE(nn.Module):
    def __init__(self, k=8):
        super().__init__()
        self.enc = nn.Sequential(
            nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 64), nn.ReLU()
        )
        self.mu, self.lv = nn.Linear(64, k), nn.Linear(64, k)
        self.dec = nn.Sequential(nn.Linear(k, 64), nn.ReLU(), nn.Linear(64, 64))

    def forward(self, x):
        h = self.enc(x)
        mu, lv = self.mu(h), self.lv(h)
        z = mu + torch.randn_like(mu) * (0.5 * lv).exp()
        return torch.sigmoid(self.dec(z)).view_as(x), mu, lv


m = VAE()
opt = torch.optim.Adam(m.parameters(), 1e-3)


def elbo(x):
    r, mu, lv = m(x)
    return (
        F.binary_cross_entropy(r, x, reduction="sum") / len(x)
        - 0.5 * (1 + lv - mu**2 - lv.exp()).sum(1).mean()
    )


for e in range(6):
    m.train()
    for (b,) in DataLoader(tr, 64, shuffle=True):
        opt.zero_grad()
        l = elbo(b)
        l.backward()
        opt.step()
    m.eval()
    with torch.no_grad():
        print(e, l.item(), sum(elbo(b).item() for (b,) in DataLoader(va, 128)) / 3)
