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

for fold in range(3):
    held = torch.arange(400) % 3 == fold
    model = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 4))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    xt, yt = points[:400][~held], labels[:400][~held]
    xv, yv = points[:400][held], labels[:400][held]
    for epoch in range(3):
        for i in torch.randperm(len(xt)).split(32):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(xt[i]), yt[i])
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        print(fold, (model(xv).argmax(1) == yv).float().mean().item())
