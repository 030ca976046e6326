"""Minimal training engine with callbacks, tried on the wine data."""
import torch
import torch.nn as nn
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset


class Callback:
    def on_fit_begin(self, engine): ...
    def on_epoch_begin(self, engine): ...
    def on_batch_begin(self, engine): ...
    def on_batch_end(self, engine): ...
    def on_epoch_end(self, engine): ...


class OptimizerHooks(Callback):
    """Keeps the optimizer out of the loop itself."""

    def __init__(self, optimizer):
        self.optimizer = optimizer

    def on_epoch_begin(self, engine):
        self.optimizer.zero_grad()

    def on_batch_end(self, engine):
        engine.loss.backward()
        self.optimizer.step()


class Meter(Callback):
    def on_epoch_begin(self, engine):
        self.total, self.count = 0.0, 0

    def on_batch_end(self, engine):
        self.total += engine.loss.item() * len(engine.batch[0])
        self.count += len(engine.batch[0])

    def on_epoch_end(self, engine):
        engine.logs["train"] = self.total / self.count


class Validation(Callback):
    def __init__(self, loader):
        self.loader = loader

    def on_epoch_end(self, engine):
        engine.model.eval()
        loss, right, n = 0.0, 0, 0
        with torch.no_grad():
            for x, y in self.loader:
                out = engine.model(x)
                loss += engine.criterion(out, y).item() * len(y)
                right += (out.argmax(1) == y).sum().item()
                n += len(y)
        engine.logs.update(val=loss / n, acc=right / n)


class Printer(Callback):
    def on_epoch_end(self, engine):
        print(f"epoch {engine.epoch:2d} " + " ".join(f"{k} {v:.4f}" for k, v in engine.logs.items()))


class Engine:
    def __init__(self, model, criterion, callbacks):
        self.model, self.criterion, self.callbacks = model, criterion, callbacks
        self.logs = {}

    def fire(self, event):
        for callback in self.callbacks:
            getattr(callback, event)(self)

    def fit(self, loader, epochs):
        self.fire("on_fit_begin")
        for self.epoch in range(1, epochs + 1):
            self.model.train()
            self.fire("on_epoch_begin")
            for self.batch in loader:
                self.fire("on_batch_begin")
                x, y = self.batch
                self.loss = self.criterion(self.model(x), y)
                self.fire("on_batch_end")
            self.fire("on_epoch_end")


if __name__ == "__main__":
    torch.manual_seed(4)
    X, y = load_wine(return_X_y=True)
    Xtr, Xte, ytr, yte = train_test_split(X, y, test_size=0.3, stratify=y, random_state=4)
    scaler = StandardScaler().fit(Xtr)
    train = TensorDataset(torch.tensor(scaler.transform(Xtr)).float(), torch.tensor(ytr))
    test = TensorDataset(torch.tensor(scaler.transform(Xte)).float(), torch.tensor(yte))
    model = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 3))
    engine = Engine(model, nn.CrossEntropyLoss(), [
        OptimizerHooks(torch.optim.SGD(model.parameters(), lr=0.02)),
        Meter(), Validation(DataLoader(test, 64)), Printer(),
    ])
    engine.fit(DataLoader(train, 16, shuffle=True), epochs=15)
