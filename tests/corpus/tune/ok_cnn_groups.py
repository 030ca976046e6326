import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

images = torch.rand(240, 1, 12, 12)
labels = (images[:, :, :6].mean((1, 2, 3)) > images[:, :, 6:].mean((1, 2, 3))).long()
model = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
    nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Conv2d(8, 16, 1), nn.ReLU(),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 2),
)
decay = [p for p in model.parameters() if p.ndim > 1]
plain = [p for p in model.parameters() if p.ndim <= 1]
opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}], lr=3e-3)
for epoch in range(4):
    model.train()
    for i in torch.randperm(200).split(25):
        opt.zero_grad()
        loss = F.cross_entropy(model(images[i]), labels[i], label_smoothing=0.1)
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        for start in range(200, 240, 20):
            out = model(images[start : start + 20])
    print(loss.item())
