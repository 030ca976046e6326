import torch
from torch import nn
from sklearn.datasets import load_digits

torch.manual_seed(0)

data = load_digits()
X = torch.tensor(data.data, dtype=torch.float32)
y = torch.tensor(data.target)

perm = torch.randperm(len(X))
tr, te = perm[:1400], perm[1400:]

# statistics come from the training part only
mu = X[tr].mean(dim=0)
sigma = X[tr].std(dim=0)
X = (X - mu) / sigma

Xtr, ytr, Xte, yte = X[tr], y[tr], X[te], y[te]

mlp = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 10))
optimizer = torch.optim.Adam(mlp.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
bs = 50

for ep in range(10):
    order = torch.randperm(len(Xtr))
    total = 0.
    for k in range(0, len(Xtr), bs):
        idx = order[k:k + bs]
        out = mlp(Xtr[idx])
        loss = criterion(out, ytr[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    with torch.no_grad():
        acc = (mlp(Xte).argmax(1) == yte).float().mean().item()
    print("epoch", ep, "train loss", total / len(Xtr), "test acc", acc)
