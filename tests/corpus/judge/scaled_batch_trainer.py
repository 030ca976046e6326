"""Digits baseline with the linear scaling rule: the rate in the config is meant for a batch of 256."""
import json
from dataclasses import asdict, dataclass

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class TrainConfig:
    base_lr: float = 0.4
    reference_batch: int = 256
    batch_size: int = 64
    momentum: float = 0.9
    epochs: int = 10
    seed: int = 9


class Trainer:
    def __init__(self, model, config, train_set, val_set):
        self.model = model
        self.config = config
        self.train_loader = DataLoader(train_set, batch_size=config.batch_size, shuffle=True)
        self.val_loader = DataLoader(val_set, batch_size=256)
        self.loss_fn = nn.CrossEntropyLoss()
        self.optimizer = self.make_optimizer()

    def make_optimizer(self):
        c = self.config
        lr = c.base_lr * c.batch_size // c.reference_batch
        return torch.optim.SGD(self.model.parameters(), lr=lr, momentum=c.momentum)

    def train_epoch(self):
        self.model.train()
        loss_sum = 0.0
        for x, y in self.train_loader:
            self.optimizer.zero_grad()
            loss = self.loss_fn(self.model(x), y)
            loss.backward()
            self.optimizer.step()
            loss_sum += loss.item() * len(y)
        return loss_sum / len(self.train_loader.dataset)

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        loss_sum = correct = 0
        for x, y in self.val_loader:
            out = self.model(x)
            loss_sum += self.loss_fn(out, y).item() * len(y)
            correct += (out.argmax(1) == y).sum().item()
        n = len(self.val_loader.dataset)
        return loss_sum / n, correct / n

    def fit(self):
        for epoch in range(self.config.epochs):
            train = self.train_epoch()
            val, acc = self.validate()
            print(json.dumps({"epoch": epoch, "train": round(train, 4), "val": round(val, 4), "acc": round(acc, 4)}))


def main():
    config = TrainConfig()
    print(asdict(config))
    torch.manual_seed(config.seed)
    x, y = load_digits(return_X_y=True)
    x_tr, x_va, y_tr, y_va = train_test_split(x / 16.0, y, test_size=0.2, stratify=y, random_state=config.seed)
    pack = lambda a, b: TensorDataset(torch.tensor(a, dtype=torch.float32), torch.tensor(b))
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    Trainer(model, config, pack(x_tr, y_tr), pack(x_va, y_va)).fit()


if __name__ == "__main__":
    main()
