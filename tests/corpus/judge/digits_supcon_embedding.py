"""Supervised contrastive embedding of the digits, judged by nearest neighbours in the training part."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def supcon(z, y, tau=0.2):
    sim = z @ z.T / tau
    eye = torch.eye(len(z), dtype=torch.bool)
    logp = sim.masked_fill(eye, -1e9).log_softmax(dim=1)
    pos = (y[:, None] == y[None, :]) & ~eye
    per_anchor = -(logp * pos).sum(1) / pos.sum(1).clamp(min=1)
    return per_anchor[pos.any(1)].mean()


class Encoder(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU())
        self.proj = nn.Linear(96, dim)

    def forward(self, x):
        return F.normalize(self.proj(self.body(x)), dim=1)


@torch.no_grad()
def knn_accuracy(enc, bank_x, bank_y, x, y, k=5):
    enc.eval()
    idx = (enc(x) @ enc(bank_x).T).topk(k, dim=1).indices
    vote = F.one_hot(bank_y[idx], 10).sum(1).argmax(1)
    return (vote == y).float().mean().item()


def main():
    torch.manual_seed(23)
    X, y = load_digits(return_X_y=True)
    X = torch.tensor(X / 16.0 - 0.3, dtype=torch.float32)
    y = torch.tensor(y)
    tr, te = train_test_split(torch.arange(len(y)), test_size=0.25, stratify=y, random_state=23)
    enc = Encoder()
    opt = torch.optim.Adam(enc.parameters(), lr=1e-3)
    for epoch in range(8):
        enc.train()
        total, n = 0.0, 0
        for idx in tr[torch.randperm(len(tr))].split(96):
            if len(idx) < 96:                    # too few positives in the rest
                continue
            loss = supcon(enc(X[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
            n += len(idx)
        print(f"epoch {epoch + 1}: loss {total / n:.3f}  5-nn accuracy {knn_accuracy(enc, X[tr], y[tr], X[te], y[te]):.3f}")


if __name__ == "__main__":
    main()
