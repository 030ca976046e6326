"""Rare weld defects (3 %) with the focal loss; judged by average precision, not accuracy."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def average_precision(score, truth):
    order = score.argsort(descending=True)
    hit = truth[order]
    precision = hit.cumsum(0) / torch.arange(1, len(hit) + 1)
    return (precision * hit).sum() / hit.sum()


class FocalLoss(nn.Module):
    def __init__(self, alpha=0.9, gamma=2.0):
        super().__init__()
        self.alpha, self.gamma = alpha, gamma

    def forward(self, logits, target):
        bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        p_t = torch.exp(-bce)
        alpha_t = self.alpha * target + (1 - self.alpha) * (1 - target)
        return (alpha_t * (1 - p_t) ** self.gamma * bce).mean()


def welds(n, gen):
    defect = (torch.rand(n, generator=gen) < 0.03).float()
    x = torch.randn(n, 8, generator=gen)
    x[:, 0] += 2.1 * defect
    x[:, 1] -= 1.9 * defect
    x[:, 2] = x[:, 2] * (1 - defect) + defect * (1.2 * x[:, 3] + 0.4 * x[:, 2])
    return x, defect


def main():
    torch.manual_seed(9)
    gen = torch.Generator().manual_seed(9)
    loader = DataLoader(TensorDataset(*welds(8000, gen)), batch_size=100, shuffle=True)
    x_test, y_test = welds(4000, gen)
    model = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 1), nn.Flatten(0))
    criterion = FocalLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(6):
        model.train()
        total = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            z = model(x_test)
            found = ((z > 0) & (y_test > 0)).sum() / y_test.sum()
            ap = average_precision(z, y_test)
        print(f"epoch {epoch + 1}: loss {total / len(loader):.4f}  AP {ap:.3f} (base rate {y_test.mean():.3f})  "
              f"recall {found:.3f}")


if __name__ == "__main__":
    main()
