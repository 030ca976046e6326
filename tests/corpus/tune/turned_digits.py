"""Digits turned by quarter turns for variety."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Turned(Dataset):
    def __init__(self, images, labels):
        self.images = images
        self.labels = labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        turned = np.rot90(self.images[i], k=np.random.randint(4)).copy()
        return torch.from_numpy(turned)[None], int(self.labels[i])


torch.manual_seed(0)
np.random.seed(0)
digits = load_digits()
images = (digits.images / 16).astype(np.float32)
loader = DataLoader(Turned(images[:1400], digits.target[:1400]), batch_size=64, shuffle=True)
held_x = torch.from_numpy(images[1400:])[:, None]
held_y = torch.from_numpy(digits.target[1400:])
model = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(4):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(epoch, (model(held_x).argmax(1) == held_y).float().mean().item())
