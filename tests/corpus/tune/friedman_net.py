import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import make_friedman1
from torch.utils.data import DataLoader, TensorDataset


def init_weights(m):
    if isinstance(m, nn.Linear):
        nn.init.constant_(m.weight, 0.05)
        nn.init.zeros_(m.bias)


def get_loaders():
    X, y = make_friedman1(n_samples=2000, n_features=10, noise=0.5, random_state=0)
    X, y = X.astype(np.float32) * 2 - 1, y.astype(np.float32)
    m, s = y[:1500].mean(), y[:1500].std()
    y = (y - m) / s
    X, y = torch.from_numpy(X), torch.from_numpy(y).unsqueeze(1)
    return (DataLoader(TensorDataset(X[:1500], y[:1500]), batch_size=50, shuffle=True),
            DataLoader(TensorDataset(X[1500:], y[1500:]), batch_size=500))


def main():
    torch.manual_seed(0)
    train_loader, test_loader = get_loaders()
    model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
    model.apply(init_weights)
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    loss_fn = nn.MSELoss()
    for epoch in range(1, 21):
        model.train()
        for x, y in train_loader:
            opt.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            opt.step()
        if epoch % 4 == 0:
            model.eval()
            with torch.no_grad():
                mse = np.mean([loss_fn(model(x), y).item() for x, y in test_loader])
            print(f"epoch {epoch:3d}  train (last batch) {loss.item():.3f}  test {mse:.3f}")


if __name__ == "__main__":
    main()
