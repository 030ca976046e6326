import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.metrics import average_precision_score
from torch.utils.data import DataLoader, TensorDataset


class FocalLoss(nn.Module):
    def __init__(self, alpha=0.9, gamma=2.0):
        super().__init__()
        self.alpha, self.gamma = alpha, gamma

    def forward(self, logits, target):
        ce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        p_t = torch.exp(-ce)
        a = self.alpha * target + (1 - self.alpha) * (1 - target)
        return (a * (1 - p_t) ** self.gamma * ce).mean()


def transactions(n, seed):
    g = torch.Generator().manual_seed(seed)
    y = (torch.rand(n, generator=g) < 0.03).float()
    x = torch.randn(n, 12, generator=g)
    x[:, :4] += 1.2 * y[:, None]
    x[:, 4] *= 1 + y
    return x, y


torch.manual_seed(48)
x, y = transactions(6000, 1)
xv, yv = transactions(2500, 2)
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0))
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
criterion = FocalLoss()
for epoch in range(8):
    model.train()
    for xb, yb in DataLoader(TensorDataset(x, y), batch_size=100, shuffle=True):
        opt.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        z = model(xv)
    print(f"epoch {epoch} val focal {criterion(z, yv).item():.4f} AP {average_precision_score(yv.numpy(), z.numpy()):.3f} "
          f"recall {(z[yv == 1] > 0).float().mean().item():.3f}")
