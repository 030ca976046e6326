"""Price index regression on a generated housing table."""
import torch
from sklearn.datasets import make_friedman1
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(40)

X, y = make_friedman1(n_samples=2600, n_features=8, noise=0.8, random_state=40)
X = torch.tensor(X, dtype=torch.float32) * 2 - 1
y = torch.tensor(y, dtype=torch.float32).unsqueeze(1)
X_tr, X_va, y_tr, y_va = X[:2000], X[2000:], y[:2000], y[2000:]
mu, sd = y_tr.mean(), y_tr.std()
train_dl = DataLoader(TensorDataset(X_tr, (y_tr - mu) / sd), batch_size=40, shuffle=True)

model = nn.Sequential(
    nn.Linear(8, 64), nn.ReLU(),
    nn.Linear(64, 32), nn.ReLU(),
    nn.Linear(32, 1),
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
loss_fn = nn.MSELoss()


def rmse(x, target):
    model.eval()
    with torch.no_grad():
        return ((model(x) * sd + mu - target) ** 2).mean().sqrt().item()


for epoch in range(1, 13):
    model.train()
    for xb, yb in train_dl:
        optimizer.zero_grad()
        loss = loss_fn(model(xb), yb)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=0.005)
        optimizer.step()
    print(f"epoch {epoch:2d}: train rmse {rmse(X_tr, y_tr):.3f}, validation rmse {rmse(X_va, y_va):.3f}")
