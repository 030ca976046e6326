"""Two heads on one trunk: which machine state, and how much wear (regression)."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def simulate(n, seed):
    rng = np.random.default_rng(seed)
    state = rng.integers(0, 4, n)
    wear = rng.uniform(-1, 1, n)
    centers = np.random.default_rng(0).normal(size=(4, 12))
    direction = np.random.default_rng(1).normal(size=12)
    x = centers[state] + 0.8 * wear[:, None] * direction + 0.7 * rng.normal(size=(n, 12))
    return x.astype(np.float32), state, wear.astype(np.float32)[:, None]


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU())
        self.state = nn.Linear(48, 4)
        self.wear = nn.Linear(48, 1)

    def forward(self, x):
        h = self.trunk(x)
        return self.state(h), self.wear(h)


def losses(model, x, state, wear):
    logits, estimate = model(x)
    return F.cross_entropy(logits, state), F.mse_loss(estimate, wear)


def main():
    torch.manual_seed(3)
    x, s, w = simulate(2000, 7)
    xv, sv, wv = simulate(500, 8)
    mu, sd = x.mean(0), x.std(0)
    tensors = lambda a, b, c: TensorDataset(torch.from_numpy((a - mu) / sd), torch.from_numpy(b), torch.from_numpy(c))
    train_loader = DataLoader(tensors(x, s, w), batch_size=50, shuffle=True)
    val = tensors(xv, sv, wv).tensors

    model = TwoHeads()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03)
    for epoch in range(10):
        model.train()
        running = np.zeros(2)
        for batch in train_loader:
            optimizer.zero_grad
            ce, mse = losses(model, *batch)
            total = ce + 0.5 * mse
            total.backward()
            optimizer.step()
            running += [ce.item(), mse.item()]
        model.eval()
        with torch.no_grad():
            ce, mse = losses(model, *val)
            acc = (model(val[0])[0].argmax(1) == val[1]).float().mean().item()
        print(f"epoch {epoch}: train ce/mse {running / len(train_loader)}  val ce {ce:.3f} mse {mse:.3f} acc {acc:.3f}")


if __name__ == "__main__":
    main()
