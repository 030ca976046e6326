import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(260, 20)
y = ((x[:, :3].sum(1) + 1.5 * torch.randn(260)) > 0).long()
x_train, y_train, x_val, y_val = x[:60], y[:60], x[60:], y[60:]
net = nn.Sequential(nn.Linear(20, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(40):
    net.train()
    order = torch.randperm(60)
    for i in range(0, 60, 20):
        rows = order[i : i + 20]
        optimizer.zero_grad()
        loss = criterion(net(x_train[rows]), y_train[rows])
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        val_loss = criterion(net(x_val), y_val).item()
    print(epoch, loss.item(), val_loss)
