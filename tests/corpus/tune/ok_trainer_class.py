import torch, torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class Trainer:
    def __init__(self, model, optimizer, loss_fn, device="cpu"):
        self.model, self.optimizer, self.loss_fn, self.device = model.to(device), optimizer, loss_fn, device
        self.history = []

    def run_epoch(self, loader, train):
        self.model.train(train)
        total, hits, n = 0.0, 0, 0
        with torch.set_grad_enabled(train):
            for x, y in loader:
                x, y = x.to(self.device), y.to(self.device)
                out = self.model(x)
                loss = self.loss_fn(out, y)
                if train:
                    self.optimizer.zero_grad(set_to_none=True)
                    loss.backward()
                    self.optimizer.step()
                total += loss.item() * len(y)
                hits += (out.argmax(1) == y).sum().item()
                n += len(y)
        return total / n, hits / n

    def fit(self, train_loader, val_loader, epochs):
        for e in range(epochs):
            tr = self.run_epoch(train_loader, True)
            va = self.run_epoch(val_loader, False)
            self.history.append((tr, va))
            print(e, tr, va)


torch.manual_seed(0)
X, y = load_digits(return_X_y=True)
Xa, Xb, ya, yb = train_test_split(X / 16, y, test_size=0.25, random_state=0, stratify=y)
mk = lambda X, y, s: DataLoader(
    TensorDataset(torch.tensor(X, dtype=torch.float32), torch.tensor(y)), batch_size=64, shuffle=s
)
model = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10))
Trainer(model, torch.optim.AdamW(model.parameters(), lr=2e-3), nn.CrossEntropyLoss()).fit(
    mk(Xa, ya, True), mk(Xb, yb, False), 8
)
