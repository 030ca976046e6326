import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(600, 5)
w = torch.randn(5, 1)
y = x @ w + 0.1 * torch.randn(600, 1)
xv = torch.randn(200, 5)
yv = xv @ w
net = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 1))
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
f = nn.MSELoss()
for epoch in range(20):
    for idx in torch.randperm(600).split(60):
        opt.zero_grad()
        loss = f(net(x[idx]), y[idx])
        loss.backward()
        opt.step()
    with torch.no_grad():
        print("train", f(net(x), y).item(), "val", f(net(xv), yv).item())
