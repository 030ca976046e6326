import itertools, torch
from torch import nn
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
X, y = make_classification(900, 12, n_informative=6, n_classes=3, random_state=0)
xt, xv, yt, yv = (torch.tensor(a) for a in train_test_split(X.astype("float32"), y, random_state=0))
results = {}
for lr, width in itertools.product([1e-1, 1e-2, 1e-3], [16, 64]):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, width), nn.ReLU(), nn.Linear(width, 3))
    optim = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    for epoch in range(12):
        for b in torch.randperm(len(xt)).split(32):
            optim.zero_grad()
            nn.functional.cross_entropy(model(xt[b]), yt[b]).backward()
            optim.step()
    with torch.no_grad():
        results[lr, width] = (model(xv).argmax(1) == yv).float().mean().item()
print(max(results, key=results.get), results)
