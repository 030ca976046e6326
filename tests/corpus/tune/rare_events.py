"""Fraud-like rare events: 4 % positives, balanced draws for training, focal loss."""
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler


def events(n, seed):
    r = np.random.default_rng(seed)
    y = (r.random(n) < 0.04).astype("float32")
    x = r.normal(size=(n, 10))
    x[:, 0] += 1.5 * y
    x[:, 1] -= 1.2 * y
    x[:, 2] += 1.0 * y * np.sign(x[:, 3])
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


class FocalLoss(nn.Module):
    def __init__(self, gamma=1.5):
        super().__init__()
        self.gamma = gamma

    def forward(self, logit, y):
        bce = F.binary_cross_entropy_with_logits(logit, y, reduction="none")
        p_true = torch.exp(-bce)
        return ((1 - p_true) ** self.gamma * bce).mean()


def main():
    torch.manual_seed(6)
    x, y = events(6000, 1)
    xv, yv = events(3000, 2)
    weight = torch.where(y > 0, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
    sampler = WeightedRandomSampler(weight, num_samples=4000, replacement=True)
    loader = DataLoader(TensorDataset(x, y), batch_size=100, sampler=sampler)
    net = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 1))
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02)
    focal = FocalLoss()
    for epoch in range(8):
        net.train()
        tot = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = focal(net(xb).squeeze(1), yb)
            loss.backward()
            opt.step()
            tot += loss.item()
        net.eval()
        with torch.no_grad():
            z = net(xv).squeeze(1)
        print(f"epoch {epoch} focal {tot / len(loader):.4f} auc {roc_auc_score(yv, z):.4f} ap {average_precision_score(yv, z):.4f}")


if __name__ == "__main__":
    main()
