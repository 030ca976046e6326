import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

X = torch.randn(300, 6)
t = torch.zeros(300, dtype=torch.long)
net = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 1))
opt = torch.optim.Adam(net.parameters())
for epoch in range(5):
    for i in range(0, 300, 30):
        loss = nn.CrossEntropyLoss()(net(X[i : i + 30]), t[i : i + 30])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(loss.item())
