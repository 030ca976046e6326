"""Regularised logistic regression for the breast cancer data, fitted with L-BFGS."""
import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

torch.manual_seed(0)
X, y = load_breast_cancer(return_X_y=True)
Xtr, Xva, ytr, yva = train_test_split(X, y, test_size=0.35, random_state=4, stratify=y)
mean, std = Xtr.mean(0), Xtr.std(0)
as_tensor = lambda a: torch.tensor(a, dtype=torch.float32)
Xtr, Xva = as_tensor((Xtr - mean) / std), as_tensor((Xva - mean) / std)
ytr, yva = as_tensor(ytr), as_tensor(yva)

linear = torch.nn.Linear(X.shape[1], 1)
bce = torch.nn.BCEWithLogitsLoss()
lbfgs = torch.optim.LBFGS(linear.parameters(), lr=0.5, max_iter=5, history_size=8)
ridge = 0.02


def closure():
    lbfgs.zero_grad()
    value = bce(linear(Xtr).squeeze(1), ytr) + ridge * linear.weight.pow(2).sum()
    value.backward()
    return value


for it in range(5):
    linear.train()
    value = lbfgs.step(closure)
    linear.eval()
    with torch.no_grad():
        z = linear(Xva).squeeze(1)
        print(f"iteration {it}: objective {value.item():.4f}  held-out {bce(z, yva).item():.4f} "
              f"accuracy {((z > 0) == (yva > 0.5)).float().mean().item():.3f}")
print("strongest weights:", np.abs(linear.weight.detach().numpy()[0]).argsort()[-3:])
