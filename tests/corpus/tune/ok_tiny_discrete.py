import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
x = torch.randint(0, 2, (600, 7)).float()
y = ((x.sum(1) % 2) == 1).long()
train_loader = DataLoader(TensorDataset(x[:480], y[:480]), batch_size=32, shuffle=True)
test_loader = DataLoader(TensorDataset(x[480:], y[480:]), batch_size=60)
model = nn.Sequential(nn.Linear(7, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(5):
    model.train()
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in test_loader)
    print(epoch, loss.item(), right / 120)
