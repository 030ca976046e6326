"""Digits with bfloat16 autocast, a one-cycle schedule and an exponential moving average of the weights."""
import argparse

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, TensorDataset


def get_loaders(batch_size, seed):
    d = load_digits()
    x = torch.tensor(d.images, dtype=torch.float32)[:, None] / 16
    x = (x - 0.305) / 0.376
    y = torch.tensor(d.target)
    tr, va = train_test_split(range(len(y)), test_size=0.2, stratify=y, random_state=seed)
    return (DataLoader(TensorDataset(x[tr], y[tr]), batch_size=batch_size, shuffle=True, drop_last=True),
            DataLoader(TensorDataset(x[va], y[va]), batch_size=180))


class MLPBlock(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(d), nn.Linear(d, 2 * d), nn.Linear(2 * d, d)

    def forward(self, x):
        return x + self.down(nn.functional.gelu(self.up(self.norm(x))))


def evaluate(model, loader, loss_fn):
    model.eval()
    with torch.no_grad():
        out = torch.cat([model(x) for x, _ in loader])
        y = torch.cat([t for _, t in loader])
    return loss_fn(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main(args):
    torch.manual_seed(args.seed)
    train, valid = get_loaders(args.batch_size, args.seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), MLPBlock(64), nn.Dropout(0.1), nn.LayerNorm(64), nn.Linear(64, 10))
    ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.97))
    loss_fn = nn.CrossEntropyLoss(label_smoothing=0.05)
    opt = torch.optim.AdamW(model.parameters(), lr=args.max_lr, weight_decay=0.01)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=args.max_lr, total_steps=args.epochs * len(train))
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for x, y in train:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = loss_fn(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            ema.update_parameters(model)
            total += loss.item()
        raw, avg = evaluate(model, valid, loss_fn), evaluate(ema, valid, loss_fn)
        print(f"epoch {epoch} train {total / len(train):.3f} valid {raw[0]:.3f}/{raw[1]:.3f} ema {avg[0]:.3f}/{avg[1]:.3f}")


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=8)
    p.add_argument("--batch-size", type=int, default=48)
    p.add_argument("--max-lr", type=float, default=4e-3)
    p.add_argument("--seed", type=int, default=19)
    main(p.parse_args())
