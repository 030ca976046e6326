import torch, torch.nn as nn
from sklearn.datasets import load_iris
from sklearn.model_selection import StratifiedKFold

torch.manual_seed(0)
d = load_iris()
X = torch.tensor(d.data, dtype=torch.float32)
X = (X - X.mean(0)) / X.std(0)
Y = torch.tensor(d.target)


def fit(x, y, epochs=60):
    m = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
    o = torch.optim.Adam(m.parameters(), 1e-2)
    for _ in range(epochs):
        o.zero_grad()
        l = nn.functional.cross_entropy(m(x), y)
        l.backward()
        o.step()
    return m


for tr, va in StratifiedKFold(5, shuffle=True, random_state=1).split(d.data, d.target):
    m = fit(X[tr], Y[tr])
    with torch.no_grad():
        print((m(X[va]).argmax(1) == Y[va]).float().mean().item())
final = fit(X, Y)
