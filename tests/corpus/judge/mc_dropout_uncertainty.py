"""Regression with a spread from 20 stochastic forward passes in each batch."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def sample(n, seed):
    g = torch.Generator().manual_seed(seed)
    x = torch.rand(n, 3, generator=g) * 4 - 2
    y = torch.sin(1.5 * x[:, 0]) + 0.5 * x[:, 1] - 0.3 * x[:, 2] ** 2 + 0.4
    y = y + 0.15 * torch.randn(n, generator=g)
    return TensorDataset(x, y[:, None])


class DropNet(nn.Module):
    def __init__(self, p=0.1):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 64), nn.ReLU(), nn.Dropout(p), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(p),
                                 nn.Linear(64, 1))

    def forward(self, x):
        return self.net(x)


@torch.no_grad()
def predictive(model, x, passes=20):
    model.train()                       # dropout stays on: it is the source of the spread
    draws = torch.stack([model(x) for _ in range(passes)])
    model.eval()
    return draws.mean(0), draws.std(0)


def main():
    torch.manual_seed(5)
    train = DataLoader(sample(3000, 1), batch_size=64, shuffle=True)
    valid = DataLoader(sample(800, 2), batch_size=200)
    model = DropNet()
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(10):
        model.train()
        total = 0.0
        for x, y in train:
            opt.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            opt.step()
            total += loss.item() * len(x)
        model.eval()
        with torch.no_grad():
            val = sum(nn.functional.mse_loss(model(x), y).item() for x, y in valid) / len(valid)
        if epoch % 2 == 1:
            print(f"epoch {epoch + 1}: train {total / 3000:.4f} valid {val:.4f}")
    err, spread = [], []
    for x, y in valid:
        m, s = predictive(model, x)
        err.append((m - y).abs())
        spread.append(s)
    err, spread = torch.cat(err).squeeze(), torch.cat(spread).squeeze()
    print(f"mean error {err.mean():.3f}, mean spread {spread.mean():.3f}, correlation {torch.corrcoef(torch.stack([err, spread]))[0, 1]:.2f}")


if __name__ == "__main__":
    main()
