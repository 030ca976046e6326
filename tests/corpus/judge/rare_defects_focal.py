"""Find rare defective parts (3 %) with a focal loss; average precision and recall are reported."""
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import average_precision_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def parts(n, seed):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.03).astype(np.float32)
    shift = np.array([1.6, -1.2, 0.9, 0, 0, 0, 1.3, 0], np.float32)
    x = rng.normal(size=(n, 8)).astype(np.float32) + y[:, None] * shift
    return TensorDataset(torch.from_numpy(x), torch.from_numpy(y))


class FocalLoss(nn.Module):
    def __init__(self, alpha=0.85, gamma=2.0):
        super().__init__()
        self.alpha, self.gamma = alpha, gamma

    def forward(self, logit, target):
        bce = F.binary_cross_entropy_with_logits(logit, target, reduction="none")
        p_t = torch.exp(-bce)
        a_t = self.alpha * target + (1 - self.alpha) * (1 - target)
        return (a_t * (1 - p_t) ** self.gamma * bce).mean()


def evaluate(model, loader, criterion):
    model.eval()
    zs, ys = [], []
    with torch.no_grad():
        for x, y in loader:
            zs.append(model(x).squeeze(1))
            ys.append(y)
    z, y = torch.cat(zs), torch.cat(ys)
    recall = ((z > 0) & (y == 1)).sum().item() / y.sum().item()
    return criterion(z, y).item(), average_precision_score(y.numpy(), z.sigmoid().numpy()), recall


def main():
    torch.manual_seed(4)
    train = DataLoader(parts(8000, 1), batch_size=128, shuffle=True)
    valid = DataLoader(parts(3000, 2), batch_size=1000)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
    criterion = FocalLoss()
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for epoch in range(6):
        model.train()
        total = 0.0
        for x, y in train:
            opt.zero_grad()
            loss = criterion(model(x).squeeze(1), y)
            loss.backward()
            opt.step()
            total += loss.item() * len(y)
        vl, ap, recall = evaluate(model, valid, criterion)
        print(f"epoch {epoch}: train {total / 8000:.5f} valid {vl:.5f} AP {ap:.3f} recall {recall:.3f}")


if __name__ == "__main__":
    main()
