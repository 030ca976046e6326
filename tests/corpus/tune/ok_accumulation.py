import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
centres = torch.randn(4, 10) * 1.2
labels = torch.randint(0, 4, (600,))
points = centres[labels] + torch.randn(600, 10)
train_set = TensorDataset(points[:400], labels[:400])
val_set = TensorDataset(points[400:], labels[400:])
train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
val_loader = DataLoader(val_set, batch_size=100)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))

optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(6):
    for i, (x, y) in enumerate(train_loader):
        (F.cross_entropy(model(x), y) / 4).backward()
        if (i + 1) % 4 == 0:
            optimizer.step()
            optimizer.zero_grad()
    print(epoch)
