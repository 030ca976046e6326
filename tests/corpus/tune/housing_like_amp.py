import argparse

import numpy as np
import torch
import torch.nn as nn


def get_args():
    p = argparse.ArgumentParser(description="synthetic housing prices, mixed precision")
    p.add_argument("--epochs", type=int, default=15)
    p.add_argument("--batch-size", type=int, default=64)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--clip", type=float, default=5.0)
    p.add_argument("--seed", type=int, default=31)
    return p.parse_args()


def make_houses(n, rng):
    area = rng.normal(0, 1, n)
    rooms = 0.6 * area + 0.8 * rng.normal(0, 1, n)
    age = rng.uniform(-1.7, 1.7, n)
    lat, lon = rng.uniform(-1.7, 1.7, (2, n))
    centre = np.exp(-(lat ** 2 + lon ** 2))
    price = 0.8 * area + 0.2 * rooms - 0.3 * age + 1.2 * centre * (1 + 0.5 * area) + 0.15 * rng.normal(0, 1, n)
    x = np.stack([area, rooms, age, lat, lon], 1).astype("float32")
    return torch.from_numpy(x), torch.from_numpy(price.astype("float32"))


class MixedPrecisionStep:
    def __init__(self, model, optimizer, clip):
        self.model, self.optimizer, self.clip = model, optimizer, clip
        self.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)

    def __call__(self, x, y):
        self.optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.float16):
            pred = self.model(x).squeeze(1)
        loss = nn.functional.mse_loss(pred.float(), y)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        self.optimizer.step()
        self.scaler.update()
        return loss.item()


def main():
    args = get_args()
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    x, y = make_houses(2400, rng)
    mean, std = y[:2000].mean(), y[:2000].std()
    y = (y - mean) / std
    model = nn.Sequential(nn.Linear(5, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    step = MixedPrecisionStep(model, torch.optim.Adam(model.parameters(), lr=args.lr), args.clip)
    for epoch in range(args.epochs):
        model.train()
        losses = [step(x[i], y[i]) for i in torch.randperm(2000).split(args.batch_size)]
        model.eval()
        with torch.no_grad():
            rmse = (model(x[2000:]).squeeze(1) - y[2000:]).pow(2).mean().sqrt().item() * std.item()
        print(f"epoch {epoch + 1:2d} mse {np.mean(losses):.4f} test rmse {rmse:.4f}")


if __name__ == "__main__":
    main()
