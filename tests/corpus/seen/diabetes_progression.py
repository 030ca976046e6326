"""Disease progression (regression) with a small network and step decay."""
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_diabetes
from torch.optim.lr_scheduler import StepLR


class Progression(nn.Module):
    def __init__(self, n_features, n_hidden=16):
        super().__init__()
        self.lin1 = nn.Linear(n_features, n_hidden)
        self.lin2 = nn.Linear(n_hidden, 1)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.relu(self.lin1(x))
        x = self.relu(self.lin2(x))
        return x


def zscore(a, ref):
    return (a - ref.mean(axis=0)) / ref.std(axis=0)


def main():
    torch.manual_seed(2)
    rng = np.random.default_rng(2)
    X, y = load_diabetes(return_X_y=True)
    order = rng.permutation(len(X))
    tr, va = order[:340], order[340:]
    y = y.reshape(-1, 1)
    Xt, Xv = (torch.tensor(zscore(X[i], X[tr]), dtype=torch.float32) for i in (tr, va))
    yt, yv = (torch.tensor(zscore(y[i], y[tr]), dtype=torch.float32) for i in (tr, va))

    model = Progression(10)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = StepLR(optimizer, step_size=8, gamma=0.5)
    loss_fn = nn.MSELoss()
    for epoch in range(24):
        model.train()
        running = 0.0
        for idx in torch.randperm(len(tr)).split(20):
            optimizer.zero_grad()
            loss = loss_fn(model(Xt[idx]), yt[idx])
            loss.backward()
            optimizer.step()
            running += loss.item() * len(idx)
        if epoch % 4 == 3:
            model.eval()
            with torch.no_grad():
                val = loss_fn(model(Xv), yv).item()
            print(f"epoch {epoch + 1}: train {running / len(tr):.3f}, validation {val:.3f}")


if __name__ == "__main__":
    main()
