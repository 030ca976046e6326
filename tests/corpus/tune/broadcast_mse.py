import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

import warnings

warnings.simplefilter("ignore")
x = torch.randn(300, 5)
y = x @ torch.randn(5) + 0.1 * torch.randn(300)
loader = DataLoader(TensorDataset(x, y), batch_size=30, shuffle=True)
model = nn.Sequential(nn.Linear(5, 20), nn.Tanh(), nn.Linear(20, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
loss_fn = nn.MSELoss()
for epoch in range(6):
    for a, b in loader:
        loss = loss_fn(model(a), b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
