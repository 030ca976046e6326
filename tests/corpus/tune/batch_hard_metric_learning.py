"""Metric learning on the digits with batch-hard triplets (Hermans et al., 2017)."""
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from torch.utils.data import DataLoader, Sampler, TensorDataset


class BalancedBatches(Sampler):
    """Yields batches of `classes` labels with `per_class` samples each."""

    def __init__(self, labels, classes, per_class, length):
        self.by_class = [np.flatnonzero(labels == c) for c in np.unique(labels)]
        self.classes, self.per_class, self.length = classes, per_class, length
        self.rng = np.random.default_rng(0)

    def __len__(self):
        return self.length

    def __iter__(self):
        for _ in range(self.length):
            chosen = self.rng.choice(len(self.by_class), self.classes, replace=False)
            yield np.concatenate([self.rng.choice(self.by_class[c], self.per_class, replace=False) for c in chosen]).tolist()


def pairwise_distances(z):
    sq = (z * z).sum(1)
    d2 = sq[:, None] + sq[None, :] - 2 * z @ z.T
    return d2.clamp(min=0).sqrt()


def batch_hard_loss(z, labels, margin=0.5):
    dist = pairwise_distances(z)
    same = labels[:, None] == labels[None, :]
    eye = torch.eye(len(z), dtype=torch.bool)
    hardest_positive = (dist * (same & ~eye)).amax(1)
    hardest_negative = dist.masked_fill(same, float("inf")).amin(1)
    return (hardest_positive - hardest_negative + margin).clamp(min=0).mean()


class Embedder(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, dim))

    def forward(self, x):
        return nn.functional.normalize(self.net(x), dim=1)


@torch.no_grad()
def embed(model, x):
    model.eval()
    return model(x).nan_to_num().numpy()


def main(epochs=6):
    torch.manual_seed(9)
    X, y = load_digits(return_X_y=True)
    Xtr, Xte, ytr, yte = train_test_split(X / 16.0, y, test_size=0.25, stratify=y, random_state=9)
    Xtr, Xte = torch.tensor(Xtr).float(), torch.tensor(Xte).float()
    data = TensorDataset(Xtr, torch.tensor(ytr))
    loader = DataLoader(data, batch_sampler=BalancedBatches(ytr, classes=8, per_class=6, length=30))
    model = Embedder()
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(epochs):
        model.train()
        losses = []
        for x, labels in loader:
            loss = batch_hard_loss(model(x), labels)
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        knn = KNeighborsClassifier(5).fit(embed(model, Xtr), ytr)
        print(f"epoch {epoch}: triplet loss {np.mean(losses):.4f}  5-NN accuracy {knn.score(embed(model, Xte), yte):.3f}")


if __name__ == "__main__":
    main()
