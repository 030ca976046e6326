"""Regularised logistic regression fitted with L-BFGS."""
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(0)
bunch = load_breast_cancer()
a, b, ya, yb = train_test_split(bunch.data, bunch.target, test_size=0.35, stratify=bunch.target, random_state=0)
scale = StandardScaler().fit(a)
x_train, x_test = (torch.tensor(scale.transform(m), dtype=torch.float32) for m in (a, b))
y_train, y_test = (torch.tensor(v, dtype=torch.float32) for v in (ya, yb))

model = nn.Linear(30, 1)
bce = nn.BCEWithLogitsLoss()
solver = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=5, history_size=8)


def objective():
    solver.zero_grad()
    fit = bce(model(x_train).squeeze(1), y_train)
    loss = fit + 0.01 * model.weight.square().sum()
    loss.backward()
    return loss


for rnd in range(6):
    model.train()
    value = solver.step(objective)
    model.eval()
    with torch.no_grad():
        z = model(x_test).squeeze(1)
        test = bce(z, y_test)
        acc = ((z > 0) == (y_test > 0.5)).float().mean()
    print(f"round {rnd:2d}  objective {value.item():.4f}  test loss {test.item():.4f}  accuracy {acc.item():.3f}")
