"""Benign / malignant from FNA measurements, small MLP."""
import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.RandomState(7)
torch.manual_seed(7)

X, y = load_breast_cancer(return_X_y=True)
print("class counts:", np.bincount(y))

# bring the malignant class up to the size of the benign one
minority = np.where(y == 0)[0]
extra = rng.choice(minority, size=(y == 1).sum() - len(minority), replace=True)
X = np.concatenate([X, X[extra]])
y = np.concatenate([y, y[extra]])
print("after balancing:", np.bincount(y))

X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.25, stratify=y, random_state=7)
scaler = StandardScaler().fit(X_tr)
X_tr, X_te = scaler.transform(X_tr), scaler.transform(X_te)


def to_loader(a, b, train):
    ds = TensorDataset(torch.tensor(a, dtype=torch.float32), torch.tensor(b, dtype=torch.float32))
    return DataLoader(ds, batch_size=32, shuffle=train)


train_dl, test_dl = to_loader(X_tr, y_tr, True), to_loader(X_te, y_te, False)
net = nn.Sequential(nn.Linear(30, 24), nn.ReLU(), nn.Dropout(0.2), nn.Linear(24, 1))
opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
bce = nn.BCEWithLogitsLoss()

for epoch in range(15):
    net.train()
    running = 0.0
    for xb, yb in train_dl:
        opt.zero_grad()
        loss = bce(net(xb).squeeze(1), yb)
        loss.backward()
        opt.step()
        running += loss.item() * len(xb)
    net.eval()
    hits = 0
    with torch.no_grad():
        for xb, yb in test_dl:
            hits += ((net(xb).squeeze(1) > 0).float() == yb).sum().item()
    print(f"epoch {epoch:2d}  loss {running / len(X_tr):.4f}  test acc {hits / len(X_te):.4f}")
