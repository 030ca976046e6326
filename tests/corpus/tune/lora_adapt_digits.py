"""Pretrains an MLP on digits 0-4 and adapts it to 5-9 with low-rank adapters."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class LoRALinear(nn.Module):
    def __init__(self, base: nn.Linear, rank=4, alpha=8.0):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.A = nn.Parameter(torch.empty(rank, base.in_features))
        self.B = nn.Parameter(torch.zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))
        self.scaling = alpha / rank

    def forward(self, x):
        return self.base(x) + self.scaling * (x @ self.A.T) @ self.B.T


class Net(nn.Module):
    def __init__(self, n_out=5, width=96):
        super().__init__()
        self.fc1 = nn.Linear(64, width)
        self.fc2 = nn.Linear(width, width)
        self.head = nn.Linear(width, n_out)

    def forward(self, x):
        return self.head(F.relu(self.fc2(F.relu(self.fc1(x)))))


def inject_lora(model, names=("fc1", "fc2"), rank=4):
    for name in names:
        setattr(model, name, LoRALinear(getattr(model, name), rank))
    return model


def freeze_except(model, keep):
    for name, p in model.named_parameters():
        p.requires_grad_(name.startswith(keep))


class Trainer:
    def __init__(self, model, lr):
        self.model = model
        params = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(params, lr=lr, weight_decay=0.01)

    def fit(self, train, val, epochs, tag):
        loader = DataLoader(train, 32, shuffle=True)
        for epoch in range(epochs):
            self.model.train()
            total = 0.0
            for x, y in loader:
                loss = F.cross_entropy(self.model(x), y)
                self.model.zero_grad()
                loss.backward()
                self.optimizer.step()
                total += loss.item()
            v_loss, v_acc = self.evaluate(val)
            print(f"{tag} {epoch}: train {total / len(loader):.4f} val {v_loss:.4f} acc {v_acc:.3f}")

    @torch.no_grad()
    def evaluate(self, data):
        self.model.eval()
        x, y = data.tensors
        logits = self.model(x)
        return F.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


def subset(lo):
    X, y = load_digits(return_X_y=True)
    keep = (y >= lo) & (y < lo + 5)
    parts = train_test_split(X[keep] / 16.0, y[keep] - lo, test_size=0.25, random_state=1, stratify=y[keep])
    Xtr, Xva, ytr, yva = (torch.tensor(p) for p in parts)
    return TensorDataset(Xtr.float(), ytr), TensorDataset(Xva.float(), yva)


if __name__ == "__main__":
    torch.manual_seed(0)
    model = Net()
    Trainer(model, lr=2e-3).fit(*subset(0), epochs=6, tag="pretrain")

    model.head = nn.Linear(96, 5)
    freeze_except(model, "head")
    adapter = Trainer(model, lr=3e-3)
    inject_lora(model)
    adapter.fit(*subset(5), epochs=10, tag="adapt")
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    print("trainable parameters:", trainable)
