"""Large effective batches on a small device: gradient accumulation for the breast cancer data."""
import argparse
from dataclasses import dataclass

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class TrainingArguments:
    num_epochs: int
    per_device_batch_size: int
    gradient_accumulation_steps: int
    learning_rate: float


class Trainer:
    def __init__(self, model, args, train_data, eval_data):
        self.model, self.args = model, args
        self.train_loader = DataLoader(train_data, args.per_device_batch_size, shuffle=True)
        self.eval_loader = DataLoader(eval_data, 128)
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate)
        self.loss_fn = nn.BCEWithLogitsLoss()

    def train(self):
        k = self.args.gradient_accumulation_steps
        for epoch in range(self.args.num_epochs):
            self.model.train()
            self.optimizer.zero_grad()
            running = 0.0
            for i, (x, y) in enumerate(self.train_loader):
                loss = self.loss_fn(self.model(x).squeeze(-1), y)
                (loss / k).backward()
                running += loss.item()
                if (i + 1) % k == 0:
                    self.optimizer.step()
                    self.optimizer.zero_grad()
            metrics = self.evaluate()
            print({"epoch": epoch, "loss": round(running / len(self.train_loader), 4), **metrics})

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()
        logits, labels = [], []
        for x, y in self.eval_loader:
            logits.append(self.model(x).squeeze(-1))
            labels.append(y)
        logits, labels = torch.cat(logits), torch.cat(labels)
        return {"eval_loss": round(self.loss_fn(logits, labels).item(), 4),
                "eval_acc": round(((logits > 0) == labels.bool()).float().mean().item(), 4)}


def datasets(seed):
    X, y = load_breast_cancer(return_X_y=True)
    Xa, Xb, ya, yb = train_test_split(X, y, test_size=0.25, random_state=seed, stratify=y)
    mean, std = Xa.mean(0), Xa.std(0)
    make = lambda X, y: TensorDataset(torch.from_numpy((X - mean) / std).float(), torch.from_numpy(y).float())
    return make(Xa, ya), make(Xb, yb)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--num-epochs", type=int, default=14)
    parser.add_argument("--per-device-batch-size", type=int, default=32)
    parser.add_argument("--gradient-accumulation-steps", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    opts = parser.parse_args()
    torch.manual_seed(7)
    net = nn.Sequential(nn.Linear(30, 64), nn.GELU(), nn.Dropout(0.1), nn.Linear(64, 32), nn.GELU(), nn.Linear(32, 1))
    Trainer(net, TrainingArguments(**vars(opts)), *datasets(7)).train()
