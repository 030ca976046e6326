"""Hand gestures from three accelerometer axes; everything is set in one config object."""
from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass(frozen=True)
class Config:
    classes: int = 4
    length: int = 40
    channels: int = 24
    optimizer: str = "sgd"
    lr: float = 5e-5
    momentum: float = 0.9
    batch_size: int = 50
    epochs: int = 10
    seed: int = 12


def recordings(cfg, n, seed):
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 1, cfg.length)
    y = rng.integers(0, cfg.classes, n)
    amp = rng.uniform(0.8, 1.4, (n, 1))
    speed = rng.uniform(0.9, 1.2, (n, 1))
    ph = 2 * np.pi * speed * t
    x = np.zeros((n, 3, cfg.length))
    for k, (fx, fy, fz) in enumerate([(1, 1, 0), (2, 1, 0), (1, 0, 2), (0, 2, 1)]):
        m = y == k
        x[m, 0], x[m, 1], x[m, 2] = (amp * np.sin(fx * ph))[m], (amp * np.cos(fy * ph))[m], (amp * np.sin(fz * ph))[m]
    x += rng.normal(0, 0.4, x.shape)
    return TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(y))


class GestureNet(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        c = cfg.channels
        self.conv = nn.Sequential(nn.Conv1d(3, c, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2),
                                  nn.Conv1d(c, c, 5, padding=2), nn.ReLU(), nn.AdaptiveAvgPool1d(4))
        self.fc = nn.Linear(4 * c, cfg.classes)

    def forward(self, x):
        return self.fc(self.conv(x).flatten(1))


def make_optimizer(cfg, params):
    if cfg.optimizer == "sgd":
        return torch.optim.SGD(params, lr=cfg.lr, momentum=cfg.momentum)
    return torch.optim.AdamW(params, lr=cfg.lr)


def main():
    cfg = Config()
    print(asdict(cfg))
    torch.manual_seed(cfg.seed)
    train = DataLoader(recordings(cfg, 2000, 1), batch_size=cfg.batch_size, shuffle=True)
    valid = DataLoader(recordings(cfg, 500, 2), batch_size=250)
    model = GestureNet(cfg)
    optimizer = make_optimizer(cfg, model.parameters())
    criterion = nn.CrossEntropyLoss()
    for epoch in range(1, cfg.epochs + 1):
        model.train()
        losses = []
        for x, y in train:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            pairs = [(model(x), y) for x, y in valid]
            out, y = torch.cat([o for o, _ in pairs]), torch.cat([t for _, t in pairs])
            print(f"{epoch:2d} train {np.mean(losses):.4f} valid {criterion(out, y).item():.4f} acc {(out.argmax(1) == y).float().mean():.3f}")


if __name__ == "__main__":
    main()
