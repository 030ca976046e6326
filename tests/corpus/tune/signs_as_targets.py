import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(300, 6)
y = torch.sign(x @ torch.randn(6) + 0.3 * torch.randn(300))
x_train, y_train, x_val, y_val = x[:240], y[:240], x[240:], y[240:]
model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
loss_fn = nn.BCEWithLogitsLoss()
for epoch in range(10):
    for i in range(0, 240, 24):
        xb, yb = x_train[i : i + 24], y_train[i : i + 24]
        optimizer.zero_grad()
        loss = loss_fn(model(xb).squeeze(1), yb)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        score = ((model(x_val).squeeze(1) > 0) == (y_val > 0)).float().mean().item()
    print(epoch, loss.item(), score)
