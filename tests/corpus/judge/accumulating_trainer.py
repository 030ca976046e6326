import argparse

import torch
from sklearn.datasets import load_wine, load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Trainer:
    """Minimal trainer with gradient accumulation."""

    def __init__(self, model, optimizer, loss_fn, accumulate=2):
        self.model = model
        self.optimizer = optimizer
        self.loss_fn = loss_fn
        self.accumulate = accumulate
        self.calls = 0

    def training_step(self, x, y):
        loss = self.loss_fn(self.model(x), y)
        (loss / self.accumulate).backward()
        self.calls += 1
        if self.calls % self.accumulate == 0:
            self.update()
        return loss.item()

    def update(self):
        self.before_update()
        self.optimizer.step()

    def before_update(self):
        self.optimizer.zero_grad()

    def fit(self, train_loader, val_loader, epochs):
        for epoch in range(epochs):
            self.model.train()
            losses = [self.training_step(x, y) for x, y in train_loader]
            metrics = self.validate(val_loader)
            print(f"epoch {epoch + 1:2d}/{epochs}  loss {sum(losses) / len(losses):.4f}  "
                  f"val_loss {metrics['loss']:.4f}  val_acc {metrics['acc']:.3f}")

    def validate(self, loader):
        self.model.eval()
        loss = hit = n = 0
        with torch.no_grad():
            for x, y in loader:
                out = self.model(x)
                loss += self.loss_fn(out, y).item() * len(y)
                hit += (out.argmax(1) == y).sum().item()
                n += len(y)
        return {"loss": loss / n, "acc": hit / n}


def loaders(name, batch_size, seed):
    raw = {"wine": load_wine, "cancer": load_breast_cancer}[name]()
    x_tr, x_va, y_tr, y_va = train_test_split(raw.data, raw.target, test_size=0.25, stratify=raw.target, random_state=seed)
    scaler = StandardScaler().fit(x_tr)
    to_set = lambda x, y: TensorDataset(torch.tensor(scaler.transform(x), dtype=torch.float32), torch.tensor(y))
    return (DataLoader(to_set(x_tr, y_tr), batch_size, shuffle=True, drop_last=True), DataLoader(to_set(x_va, y_va), 256),
            raw.data.shape[1], len(raw.target_names))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--data", default="cancer", choices=["wine", "cancer"])
    ap.add_argument("--batch-size", type=int, default=16)
    ap.add_argument("--accumulate", type=int, default=2)
    ap.add_argument("--epochs", type=int, default=15)
    args = ap.parse_args()
    torch.manual_seed(40)
    train_loader, val_loader, n_in, n_out = loaders(args.data, args.batch_size, 40)
    model = nn.Sequential(nn.Linear(n_in, 24), nn.ReLU(), nn.Linear(24, n_out))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    Trainer(model, optimizer, nn.CrossEntropyLoss(), args.accumulate).fit(train_loader, val_loader, args.epochs)


if __name__ == "__main__":
    main()
