"""Digits CNN with a memory-friendly micro batch: four micro batches make one update."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

MICRO, STEPS = 16, 4
torch.manual_seed(0)
d = load_digits()
full = TensorDataset(torch.tensor(d.images / 16.0, dtype=torch.float32)[:, None], torch.tensor(d.target))
train, val = random_split(full, [1344, 453])
train_loader = DataLoader(train, batch_size=MICRO, shuffle=True)
val_loader = DataLoader(val, batch_size=151)

model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                      nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(8):
    model.train()
    optimizer.zero_grad()
    for i, (x, y) in enumerate(train_loader, start=1):
        loss = criterion(model(x), y) / STEPS
        loss.backward()
        if i % STEPS == 0:
            optimizer.step()
            optimizer.zero_grad()
    model.eval()
    vloss = correct = 0
    with torch.no_grad():
        for x, y in val_loader:
            out = model(x)
            vloss += criterion(out, y).item() * len(y)
            correct += (out.argmax(1) == y).sum().item()
    print(f"epoch {epoch}: val loss {vloss / len(val):.4f}, accuracy {correct / len(val):.4f}")
