"""Multinomial logistic regression on the wines, full batch, L-BFGS."""
import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(0)
X, y = load_wine(return_X_y=True)
X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.35, stratify=y, random_state=0)
scaler = StandardScaler().fit(X_tr)
X_tr = torch.tensor(scaler.transform(X_tr), dtype=torch.float32)
X_te = torch.tensor(scaler.transform(X_te), dtype=torch.float32)
y_tr, y_te = torch.tensor(y_tr), torch.tensor(y_te)

model = nn.Linear(13, 3)
nn.init.zeros_(model.weight)
nn.init.zeros_(model.bias)
criterion = nn.CrossEntropyLoss()
l2 = 0.02
opt = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=4, history_size=8)


def objective():
    return criterion(model(X_tr), y_tr) + l2 * model.weight.pow(2).sum() / 2


def closure():
    opt.zero_grad()
    loss = objective()
    loss.backward()
    return loss


for it in range(1, 16):
    value = opt.step(closure)
    if it % 3 == 0:
        model.eval()
        with torch.no_grad():
            out = model(X_te)
            test = criterion(out, y_te).item()
            acc = (out.argmax(1) == y_te).float().mean().item()
        model.train()
        print(f"iteration {it:2d} objective {value.item():.5f} test loss {test:.4f} test acc {acc:.3f}")
