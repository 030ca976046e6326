"""Config-driven tabular regression (Friedman #1)."""
from dataclasses import dataclass, field

import torch
from sklearn.datasets import make_friedman1
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class ModelConfig:
    widths: tuple = (96, 96, 96)
    activation: str = "relu"


@dataclass
class TrainConfig:
    epochs: int = 14
    batch_size: int = 64
    lr: float = 2e-3
    weight_decay: float = 1e-4
    model: ModelConfig = field(default_factory=ModelConfig)


def activation(name: str) -> nn.Module:
    return getattr(nn, name, nn.Identity)()


def build_model(n_features: int, cfg: ModelConfig) -> nn.Sequential:
    layers, size = [], n_features
    for width in cfg.widths:
        layers += [nn.Linear(size, width), activation(cfg.activation)]
        size = width
    return nn.Sequential(*layers, nn.Linear(size, 1))


def load(cfg):
    X, y = make_friedman1(n_samples=2000, n_features=10, noise=0.5, random_state=0)
    Xtr, Xva, ytr, yva = train_test_split(X, y, test_size=0.25, random_state=0)
    xs = StandardScaler().fit(Xtr)
    ys = StandardScaler().fit(ytr[:, None])
    as_set = lambda X, y: TensorDataset(torch.tensor(xs.transform(X), dtype=torch.float32),
                                        torch.tensor(ys.transform(y[:, None]), dtype=torch.float32))
    return (DataLoader(as_set(Xtr, ytr), cfg.batch_size, shuffle=True),
            DataLoader(as_set(Xva, yva), 256))


def run_epoch(model, loader, criterion, optimizer=None):
    training = optimizer is not None
    model.train(training)
    total, n = 0.0, 0
    with torch.set_grad_enabled(training):
        for x, y in loader:
            loss = criterion(model(x), y)
            if training:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            total += loss.item() * len(x)
            n += len(x)
    return total / n


def main(cfg=TrainConfig()):
    torch.manual_seed(0)
    train_loader, val_loader = load(cfg)
    model = build_model(10, cfg.model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=cfg.weight_decay)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=cfg.epochs)
    criterion = nn.MSELoss()
    for epoch in range(cfg.epochs):
        train_loss = run_epoch(model, train_loader, criterion, optimizer)
        val_loss = run_epoch(model, val_loader, criterion)
        scheduler.step()
        if epoch % 4 == 0 or epoch == cfg.epochs - 1:
            print(f"epoch {epoch + 1:3d} | train mse {train_loss:.4f} | val mse {val_loss:.4f} | R2 {1 - val_loss:.3f}")


if __name__ == "__main__":
    main()
