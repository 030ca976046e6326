import torch, torch.nn as nn
from torch.optim.swa_utils import AveragedModel, SWALR, update_bn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
X = torch.randn(900, 8)
y = (X[:, 0] * X[:, 1] > 0).long()
tr, te = (
    DataLoader(TensorDataset(X[:700], y[:700]), 50, shuffle=True),
    DataLoader(TensorDataset(X[700:], y[700:]), 100),
)
m = nn.Sequential(nn.Linear(8, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 2))
avg = AveragedModel(m)
o = torch.optim.SGD(m.parameters(), 0.1, momentum=0.9)
sw = SWALR(o, 0.02, anneal_epochs=2)
for e in range(10):
    m.train()
    for a, b in tr:
        o.zero_grad()
        nn.functional.cross_entropy(m(a), b).backward()
        o.step()
    if e >= 6:
        avg.update_parameters(m)
        sw.step()
update_bn(tr, avg)
avg.eval()
with torch.no_grad():
    print(sum((avg(a).argmax(1) == b).sum().item() for a, b in te) / 200)
