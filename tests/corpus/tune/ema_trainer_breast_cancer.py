"""Binary classifier with an exponential moving average of the weights, evaluated each epoch."""
import copy
from dataclasses import dataclass

import torch
import torch.nn as nn
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Args:
    epochs: int = 15
    batch_size: int = 32
    lr: float = 1e-3
    ema_decay: float = 0.97
    dropout: float = 0.3
    seed: int = 17


class WeightAverage:
    def __init__(self, model, decay):
        self.decay = decay
        self.module = copy.deepcopy(model).requires_grad_(False)

    @torch.no_grad()
    def update(self, model):
        for avg, p in zip(self.module.parameters(), model.parameters()):
            avg.lerp_(p, 1 - self.decay)
        for avg, b in zip(self.module.buffers(), model.buffers()):
            avg.copy_(b)


def make_model(n_in, dropout):
    return nn.Sequential(
        nn.Linear(n_in, 48), nn.LayerNorm(48), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(48, 24), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(24, 1),
    )


class Trainer:
    def __init__(self, args, train, val):
        self.args = args
        self.train_loader = DataLoader(train, args.batch_size, shuffle=True)
        self.val_loader = DataLoader(val, 64)
        self.model = make_model(30, args.dropout)
        self.ema = WeightAverage(self.model, args.ema_decay)
        self.criterion = nn.BCEWithLogitsLoss()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=args.lr, weight_decay=1e-2)

    def step(self, x, y):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.criterion(self.model(x).squeeze(1), y)
        loss.backward()
        self.optimizer.step()
        self.ema.update(self.model)
        return loss.item()

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()
        loss, hits, n = 0.0, 0, 0
        for x, y in self.val_loader:
            logits = self.ema.module(x).squeeze(1)
            loss += self.criterion(logits, y).item() * len(y)
            hits += ((logits > 0).float() == y).sum().item()
            n += len(y)
        return loss / n, hits / n

    def run(self):
        for epoch in range(1, self.args.epochs + 1):
            self.model.train()
            losses = [self.step(x, y) for x, y in self.train_loader]
            v_loss, v_acc = self.evaluate()
            print(f"{epoch:02d} train={sum(losses) / len(losses):.4f} ema_val={v_loss:.4f} ema_acc={v_acc:.4f}")


def main():
    args = Args()
    torch.manual_seed(args.seed)
    X, y = load_breast_cancer(return_X_y=True)
    Xtr, Xva, ytr, yva = train_test_split(X, y, test_size=0.3, stratify=y, random_state=args.seed)
    sc = StandardScaler().fit(Xtr)
    pack = lambda a, b: TensorDataset(torch.tensor(sc.transform(a)).float(), torch.tensor(b).float())
    Trainer(args, pack(Xtr, ytr), pack(Xva, yva)).run()


if __name__ == "__main__":
    main()
