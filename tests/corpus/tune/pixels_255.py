import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

images = torch.randint(0, 256, (400, 64)).float()
labels = (images[:, :32].mean(1) > images[:, 32:].mean(1)).long()
model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(8):
    order = torch.randperm(300)
    for start in range(0, 300, 50):
        rows = order[start : start + 50]
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images[rows]), labels[rows])
        loss.backward()
        optimizer.step()
    print(loss.item())
