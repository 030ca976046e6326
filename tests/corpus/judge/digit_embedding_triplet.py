"""Metric learning on digits with batch-hard triplets; judged by nearest neighbours in the embedding."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def pairwise_distance(z):
    sq = (z * z).sum(1)
    d2 = sq[:, None] + sq[None, :] - 2 * z @ z.T
    return d2.clamp(min=0).sqrt()


def batch_hard(z, y, margin=0.3):
    d = pairwise_distance(z)
    same = y[:, None] == y[None, :]
    positive = (d * same).amax(dim=1)
    negative = d.masked_fill(same, float("inf")).amin(dim=1)
    return F.relu(positive - negative + margin).mean()


def balanced_batches(y, per_class, n_batches):
    pools = [torch.nonzero(y == c).flatten() for c in range(10)]
    for _ in range(n_batches):
        yield torch.cat([p[torch.randperm(len(p))[:per_class]] for p in pools])


class Embedder(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, dim))

    def forward(self, x):
        return F.normalize(self.net(x), dim=1)


def knn_accuracy(model, x_ref, y_ref, x, y):
    model.eval()
    with torch.no_grad():
        sim = model(x) @ model(x_ref).T
    return (y_ref[sim.argmax(1)] == y).float().mean().item()


def main():
    torch.manual_seed(7)
    x, y = load_digits(return_X_y=True)
    x_tr, x_te, y_tr, y_te = train_test_split(x / 16.0, y, test_size=0.25, stratify=y, random_state=7)
    x_tr, x_te = torch.tensor(x_tr, dtype=torch.float32), torch.tensor(x_te, dtype=torch.float32)
    y_tr, y_te = torch.tensor(y_tr), torch.tensor(y_te)
    model = Embedder()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(8):
        model.train()
        losses = []
        for idx in balanced_batches(y_tr, 8, 25):
            loss = batch_hard(model(x_tr[idx]), y_tr[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"epoch {epoch}: first {losses[0]:.4f} mean {sum(losses) / len(losses):.4f} knn {knn_accuracy(model, x_tr, y_tr, x_te, y_te):.3f}")


if __name__ == "__main__":
    main()
