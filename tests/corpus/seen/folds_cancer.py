"""Five-fold cross-validation of a small net; model and optimizer are new in every fold."""
import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

torch.manual_seed(2)
X, y = load_breast_cancer(return_X_y=True)
scores = []
for fold, (tr, te) in enumerate(StratifiedKFold(5, shuffle=True, random_state=2).split(X, y)):
    scaler = StandardScaler().fit(X[tr])
    data = TensorDataset(torch.tensor(scaler.transform(X), dtype=torch.float32), torch.tensor(y))
    model = nn.Sequential(nn.Linear(30, 12), nn.ReLU(), nn.Dropout(0.2), nn.Linear(12, 2))
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    loader = DataLoader(Subset(data, tr.tolist()), batch_size=35, shuffle=True)
    for epoch in range(10):
        model.train()
        for xb, yb in loader:
            opt.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            opt.step()
    model.eval()
    with torch.no_grad():
        good = [(model(xb).argmax(1) == yb).float().mean().item()
                for xb, yb in DataLoader(Subset(data, te.tolist()), batch_size=len(te))]
    scores.append(good[0])
    print(f"fold {fold}: {good[0]:.4f}")
print(f"mean {np.mean(scores):.4f} +- {np.std(scores):.4f}")
