"""Regression with predictive uncertainty: dropout stays on at prediction time and 30 passes are averaged."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def field(n):
    x = torch.rand(n, 3) * 4 - 2
    y = torch.sin(1.5 * x[:, :1]) + 0.5 * x[:, 1:2] * x[:, 2:] + 0.1 * torch.randn(n, 1)
    return x, y


class DropoutRegressor(nn.Module):
    def __init__(self, p=0.1):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(3, 128), nn.ReLU(), nn.Dropout(p), nn.Linear(128, 128), nn.ReLU(), nn.Dropout(p), nn.Linear(128, 1)
        )

    def forward(self, x):
        return self.net(x)


@torch.no_grad()
def mc_predict(model, x, passes=30):
    model.eval()
    for m in model.modules():
        if isinstance(m, nn.Dropout):
            m.train()
    draws = torch.stack([model(x) for _ in range(passes)])
    return draws.mean(0), draws.std(0)


def main():
    torch.manual_seed(23)
    x, y = field(2400)
    x_test, y_test = field(400)
    mean, std = y.mean(), y.std()
    loader = DataLoader(TensorDataset(x, (y - mean) / std), batch_size=60, shuffle=True)
    model = DropoutRegressor()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    mse = nn.MSELoss()
    for epoch in range(12):
        model.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = mse(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        if epoch % 3 == 2:
            mu, sigma = mc_predict(model, x_test)
            error = (mu * std + mean - y_test).pow(2).mean().sqrt()
            print(f"epoch {epoch + 1}: train {total / len(loader):.4f}, test RMSE {error:.3f}, "
                  f"mean predictive sd {(sigma * std).mean():.3f}")


if __name__ == "__main__":
    main()
