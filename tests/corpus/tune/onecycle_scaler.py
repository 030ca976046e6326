import warnings

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")
EPOCHS, BATCH, MAX_LR = 12, 64, 0.3
torch.manual_seed(44)

X, y = load_digits(return_X_y=True)
X = torch.tensor((X - 4.9) / 6.0, dtype=torch.float32)
y = torch.tensor(y)
perm = torch.randperm(len(y))
train_dl = DataLoader(TensorDataset(X[perm[:1400]], y[perm[:1400]]), BATCH, shuffle=True, drop_last=True)
test_dl = DataLoader(TensorDataset(X[perm[1400:]], y[perm[1400:]]), 400)

model = nn.Sequential(
    nn.Linear(64, 96), nn.BatchNorm1d(96), nn.ReLU(),
    nn.Linear(96, 96), nn.BatchNorm1d(96), nn.ReLU(),
    nn.Linear(96, 10),
)
optimizer = torch.optim.SGD(model.parameters(), lr=MAX_LR, momentum=0.9, nesterov=True)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, MAX_LR, epochs=EPOCHS, steps_per_epoch=len(train_dl))
scaler = torch.amp.GradScaler("cpu", init_scale=2.0 ** 22)

for epoch in range(EPOCHS):
    model.train()
    total = 0.0
    for xb, yb in train_dl:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.float16):
            loss = F.cross_entropy(model(xb), yb, label_smoothing=0.1)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        scaler.step(optimizer)
        scaler.update()
        scheduler.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        acc = sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in test_dl) / len(test_dl.dataset)
    print(f"epoch {epoch:2d} loss {total / len(train_dl):.4f} acc {acc:.4f} lr {scheduler.get_last_lr()[0]:.4f} scale {scaler.get_scale():.0f}")
