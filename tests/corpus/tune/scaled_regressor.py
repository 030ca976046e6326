"""Surface roughness from process parameters, half precision forward passes."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
rng = np.random.default_rng(4)
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def table(n):
    x = rng.normal(size=(n, 6))
    y = np.tanh(x[:, 0] * x[:, 1]) + 0.6 * np.abs(x[:, 2]) + 0.3 * x[:, 3] + 0.1 * rng.normal(size=n)
    return x.astype("float32"), y.astype("float32")[:, None]


x_tr, y_tr = table(2200)
x_va, y_va = table(600)
center, spread = y_tr.mean(), y_tr.std()
as_ds = lambda x, y: TensorDataset(torch.from_numpy(x), torch.from_numpy((y - center) / spread))
train_loader = DataLoader(as_ds(x_tr, y_tr), batch_size=64, shuffle=True)
val_loader = DataLoader(as_ds(x_va, y_va), batch_size=300)

model = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)).to(DEVICE)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
scaler = torch.amp.GradScaler(DEVICE.type, init_scale=1024.0)
huber = nn.HuberLoss()


def optimise(loss, max_norm=5.0):
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimizer.step()
    scaler.update()


for epoch in range(10):
    model.train()
    train_loss = 0.0
    for x, y in train_loader:
        x, y = x.to(DEVICE), y.to(DEVICE)
        with torch.autocast(DEVICE.type, dtype=torch.float16):
            pred = model(x)
        loss = huber(pred.float(), y)
        optimise(loss)
        train_loss += loss.item() * len(x)
    model.eval()
    val_loss = 0.0
    with torch.no_grad():
        for x, y in val_loader:
            val_loss += huber(model(x.to(DEVICE)), y.to(DEVICE)).item() * len(x)
    print(f"epoch {epoch}: train {train_loss / len(x_tr):.4f} val {val_loss / len(x_va):.4f}")
