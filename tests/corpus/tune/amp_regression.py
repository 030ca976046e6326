"""Half precision training of a small network on tabular data, with loss scaling and clipping."""
import argparse

import torch
from sklearn.datasets import make_friedman1
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def prepare(seed):
    x, y = make_friedman1(3000, n_features=6, noise=1.0, random_state=seed)
    x = torch.tensor(x, dtype=torch.float32) * 2 - 1
    y = torch.tensor(y, dtype=torch.float32).unsqueeze(1)
    mean, std = y[:2400].mean(), y[:2400].std()
    y = (y - mean) / std
    return TensorDataset(x[:2400], y[:2400]), TensorDataset(x[2400:], y[2400:])


def train_epoch(model, loader, opt, scaler, device, clip):
    model.train()
    mse, total = nn.MSELoss(), 0.0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        opt.zero_grad(set_to_none=True)
        with torch.autocast(device, dtype=torch.float16):
            out = model(x)
        loss = mse(out.float(), y)
        scaler.scale(loss).backward()
        scaler.unscale_(opt)
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        scaler.step(opt)
        scaler.update()
        total += loss.item()
    return total / len(loader)


@torch.no_grad()
def evaluate(model, loader, device):
    model.eval()
    mse = nn.MSELoss()
    return sum(mse(model(x.to(device)), y.to(device)).item() for x, y in loader) / len(loader)


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=10)
    p.add_argument("--lr", type=float, default=3e-3)
    p.add_argument("--clip", type=float, default=5.0)
    o = p.parse_args()
    torch.manual_seed(10)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    train_set, val_set = prepare(10)
    train, val = DataLoader(train_set, 64, shuffle=True), DataLoader(val_set, 300)
    model = nn.Sequential(nn.Linear(6, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1)).to(device)
    opt = torch.optim.AdamW(model.parameters(), lr=o.lr)
    scaler = torch.amp.GradScaler(device, init_scale=2.0 ** 20)
    for epoch in range(o.epochs):
        tr = train_epoch(model, train, opt, scaler, device, o.clip)
        print(f"epoch {epoch} train {tr:.4f} val {evaluate(model, val, device):.4f} scale {scaler.get_scale():.0f}")
