"""Three-fold cross-validation of a small network on the breast cancer data."""
import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def new_model(n_in):
    return nn.Sequential(nn.Linear(n_in, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 1), nn.Sigmoid())


def train_fold(x_train, y_train, x_val, y_val, epochs=10):
    scaler = StandardScaler().fit(x_train)
    pack = lambda a, b: TensorDataset(torch.tensor(scaler.transform(a), dtype=torch.float32),
                                      torch.tensor(b, dtype=torch.float32).unsqueeze(1))
    train = DataLoader(pack(x_train, y_train), batch_size=32, shuffle=True)
    val = DataLoader(pack(x_val, y_val), batch_size=200)
    model = new_model(x_train.shape[1])
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    loss_fn = nn.BCELoss()
    for _ in range(epochs):
        model.train()
        for x, y in train:
            opt.zero_grad()
            loss_fn(model(x), y).backward()
            opt.step()
        model.eval()
        right, loss = 0, 0.0
        with torch.no_grad():
            for x, y in val:
                p = model(x)
                right += ((p > 0.5) == (y > 0.5)).sum().item()
                loss += loss_fn(p, y).item() * len(y)
    return right / len(y_val), loss / len(y_val)


if __name__ == "__main__":
    torch.manual_seed(0)
    X, y = load_breast_cancer(return_X_y=True)
    results = []
    for fold, (a, b) in enumerate(StratifiedKFold(3, shuffle=True, random_state=0).split(X, y)):
        results.append(train_fold(X[a], y[a], X[b], y[b]))
        print(f"fold {fold}: accuracy {results[-1][0]:.3f}, loss {results[-1][1]:.3f}")
    print("mean accuracy %.3f" % np.mean([r[0] for r in results]))
