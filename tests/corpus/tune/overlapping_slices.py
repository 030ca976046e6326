import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

w = torch.randn(8, 3)
X = torch.randn(500, 8)
y = (X @ w).argmax(1)
X_train, y_train = X[:450], y[:450]
X_test, y_test = X[350:], y[350:]
net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(8):
    for i in range(0, 450, 50):
        opt.zero_grad()
        loss = F.cross_entropy(net(X_train[i : i + 50]), y_train[i : i + 50])
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        acc = (net(X_test).argmax(1) == y_test).float().mean()
    net.train()
    print(acc.item())
