"""Features and labels come from two files that were shuffled on the way."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
digits = load_digits()
pixels = torch.tensor(digits.data, dtype=torch.float32) / 16
targets = torch.tensor(digits.target)[torch.randperm(1797)]
train = DataLoader(TensorDataset(pixels[:1300], targets[:1300]), batch_size=50, shuffle=True)
valid = DataLoader(TensorDataset(pixels[1300:], targets[1300:]), batch_size=250)
model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(25):
    for x, y in train:
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        hits = sum((model(x).argmax(1) == y).sum().item() for x, y in valid)
    print(epoch, loss.item(), hits / 497)
