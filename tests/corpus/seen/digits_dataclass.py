"""Fully connected digit classifier with explicit weight initialisation."""
from dataclasses import dataclass

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset, random_split


@dataclass
class Config:
    hidden: int = 100
    lr: float = 1e-3
    epochs: int = 10
    batch_size: int = 64
    seed: int = 0


class Classifier(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(64, cfg.hidden), nn.ReLU(),
            nn.Linear(cfg.hidden, cfg.hidden), nn.ReLU(),
            nn.Linear(cfg.hidden, 10),
        )
        self.apply(self._init_weights)

    @staticmethod
    def _init_weights(module):
        if isinstance(module, nn.Linear):
            nn.init.constant_(module.weight, 0.01)
            nn.init.zeros_(module.bias)

    def forward(self, x):
        return self.layers(x)


def run(cfg: Config):
    torch.manual_seed(cfg.seed)
    bunch = load_digits()
    full = TensorDataset(torch.tensor(bunch.data / 16.0, dtype=torch.float32), torch.tensor(bunch.target))
    train_set, valid_set = random_split(full, [1437, 360])
    train_loader = DataLoader(train_set, batch_size=cfg.batch_size, shuffle=True)
    valid_loader = DataLoader(valid_set, batch_size=360)

    model = Classifier(cfg)
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(cfg.epochs):
        model.train()
        loss_sum, seen = 0.0, 0
        for inputs, targets in train_loader:
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
            loss_sum += loss.item() * len(targets)
            seen += len(targets)
        model.eval()
        with torch.inference_mode():
            inputs, targets = next(iter(valid_loader))
            valid_acc = (model(inputs).argmax(-1) == targets).float().mean().item()
        print(f"{epoch=} train_loss={loss_sum / seen:.4f} {valid_acc=:.3f}")


if __name__ == "__main__":
    run(Config())
