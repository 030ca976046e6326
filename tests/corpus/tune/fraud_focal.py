import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import average_precision_score
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler


class Transactions(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(n, 12))
        y = np.zeros(n, dtype=np.float32)
        fraud = rng.random(n) < 0.04
        x[fraud, :3] += np.array([1.8, -1.6, 1.7])
        x[fraud, 3] *= 2.0
        y[fraud] = 1
        self.x, self.y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class FocalLoss(nn.Module):
    def __init__(self, gamma=1.5):
        super().__init__()
        self.gamma = gamma

    def forward(self, logits, target):
        ce = nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        pt = torch.exp(-ce)
        return ((1 - pt) ** self.gamma * ce).mean()


class Scorer(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
        self.out = nn.Linear(32, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x):
        return self.out(self.body(x)).squeeze(-1)


def main():
    torch.manual_seed(33)
    train, test = Transactions(6000, 1), Transactions(3000, 2)
    w = torch.where(train.y > 0.5, 8.0, 1.0)
    sampler = WeightedRandomSampler(w.double(), num_samples=4000, replacement=True)
    train_dl = DataLoader(train, batch_size=80, sampler=sampler)
    test_dl = DataLoader(test, batch_size=500)
    model, loss_fn = Scorer(), FocalLoss()
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(7):
        model.train()
        run = 0.0
        for x, y in train_dl:
            opt.zero_grad(set_to_none=True)
            loss = loss_fn(model(x), y)
            loss.backward()
            opt.step()
            run += loss.item()
        model.eval()
        scores = []
        with torch.no_grad():
            for x, _ in test_dl:
                scores.append(torch.sigmoid(model(x)))
        ap = average_precision_score(test.y.numpy(), torch.cat(scores).numpy())
        print(f"epoch {epoch + 1} focal {run / len(train_dl):.4f} average precision {ap:.4f} (base rate {test.y.mean():.3f})")


if __name__ == "__main__":
    main()
