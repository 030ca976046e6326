import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

X = torch.randn(500, 6)
Y = (X @ torch.randn(6) > 0).float().unsqueeze(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(6, 16)
        self.b = nn.Linear(16, 1)

    def forward(self, x):
        return torch.sigmoid(self.b(torch.relu(self.a(x))))


net = Net()
criterion = nn.BCEWithLogitsLoss()
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(6):
    order = torch.randperm(400)
    for i in range(0, 400, 40):
        idx = order[i : i + 40]
        opt.zero_grad()
        loss = criterion(net(X[idx]), Y[idx])
        loss.backward()
        opt.step()
    with torch.no_grad():
        print(((net(X[400:]) > 0.5) == Y[400:].bool()).float().mean().item())
