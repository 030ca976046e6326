"""Vector-quantised autoencoder for generated glyphs: codebook loss, commitment loss, straight-through codes."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class Quantizer(nn.Module):
    def __init__(self, codes, dim, beta=0.5):
        super().__init__()
        self.codebook = nn.Embedding(codes, dim)
        nn.init.normal_(self.codebook.weight, std=0.5)
        self.beta = beta

    def forward(self, z):
        distance = torch.cdist(z.detach(), self.codebook.weight.detach())
        index = distance.argmin(-1)
        q = self.codebook(index)
        loss = F.mse_loss(q, z.detach()) + self.beta * F.mse_loss(z, q.detach())
        return z + (q - z).detach(), loss, index


class VQVAE(nn.Module):
    def __init__(self, slots=8, dim=8, codes=32, width=96):
        super().__init__()
        self.slots, self.dim = slots, dim
        self.encoder = nn.Sequential(nn.Linear(64, width), nn.ELU(), nn.Linear(width, slots * dim))
        self.quantizer = Quantizer(codes, dim)
        self.decoder = nn.Sequential(nn.Linear(slots * dim, width), nn.ELU(), nn.Linear(width, 64))

    def forward(self, x):
        z = self.encoder(x).view(len(x) * self.slots, self.dim)
        q, vq_loss, index = self.quantizer(z)
        return self.decoder(q.view(len(x), -1)), vq_loss, index


def main(epochs=12):
    torch.manual_seed(90)
    X = torch.tensor(load_digits().data / 16.0, dtype=torch.float32)
    train, val = train_test_split(X, test_size=0.2, random_state=90)
    baseline = (val - train.mean(0)).square().mean().item()
    model = VQVAE()
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(train)).split(64):
            x = train[idx]
            rec, vq, _ = model(x)
            loss = F.mse_loss(rec, x) + 0.25 * vq
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(x)
        if epoch % 4 == 3:
            model.eval()
            with torch.no_grad():
                rec, vq, index = model(val)
                v = (F.mse_loss(rec, val) + 0.25 * vq).item()
            print(f"epoch {epoch + 1} train {total / len(train):.4f} val {v:.4f} reconstruction {F.mse_loss(rec, val).item():.4f} "
                  f"(mean image {baseline:.4f}) codes {index.unique().numel()}")


if __name__ == "__main__":
    main()
