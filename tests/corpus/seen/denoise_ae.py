"""Denoising autoencoder, argparse flavour."""
import argparse
import torch
import torch.nn as nn
from sklearn.datasets import load_digits


def parse(argv=None):
    p = argparse.ArgumentParser()
    p.add_argument("--latent", default=12, type=int)
    p.add_argument("--noise", default=0.3, type=float)
    p.add_argument("--epochs", default=8, type=int)
    p.add_argument("--batch-size", default=50, type=int)
    p.add_argument("--seed", default=77, type=int)
    return p.parse_args(argv)


class DAE(nn.Module):
    def __init__(self, latent):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, latent))
        self.dec = nn.Sequential(nn.Linear(latent, 48), nn.ReLU(), nn.Linear(48, 64))

    def forward(self, x):
        return self.dec(self.enc(x))


def train_step(model, opt, clean, noise):
    noisy = clean + noise * torch.randn_like(clean)
    rec = model(noisy)
    loss = nn.functional.mse_loss(rec, clean)
    loss.backward()
    opt.zero_grad()
    opt.step()
    return loss.detach()


def main(a):
    torch.manual_seed(a.seed)
    x = torch.tensor(load_digits().data / 16.0, dtype=torch.float32)
    x = x[torch.randperm(len(x))]
    train, held = x[:1500], x[1500:]
    model = DAE(a.latent)
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for ep in range(a.epochs):
        model.train()
        acc = torch.zeros(())
        for b in torch.randperm(1500).view(-1, a.batch_size):
            acc += train_step(model, opt, train[b], a.noise)
        model.eval()
        with torch.no_grad():
            g = torch.Generator().manual_seed(0)
            noisy = held + a.noise * torch.randn(held.shape, generator=g)
            v = nn.functional.mse_loss(model(noisy), held)
        print(f"epoch={ep} train={acc.item() / (1500 // a.batch_size):.4f} held={v.item():.4f}")


if __name__ == "__main__":
    main(parse([]))
