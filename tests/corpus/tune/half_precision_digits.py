"""Mixed precision training of a small image classifier."""
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.amp import GradScaler, autocast
from torch.utils.data import DataLoader, TensorDataset

device = "cuda" if torch.cuda.is_available() else "cpu"


def loaders(batch):
    d = load_digits()
    x = torch.tensor(d.data, dtype=torch.float32) / 16.0
    y = torch.tensor(d.target)
    tr, va = train_test_split(torch.arange(len(y)).numpy(), test_size=0.25, stratify=y.numpy(), random_state=0)
    return (DataLoader(TensorDataset(x[tr], y[tr]), batch_size=batch, shuffle=True),
            DataLoader(TensorDataset(x[va], y[va]), batch_size=225))


class Trainer:
    def __init__(self, model, max_norm=2.0):
        self.model = model.to(device)
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
        self.scaler = GradScaler(device, init_scale=2.0 ** 14)
        self.max_norm = max_norm
        self.criterion = nn.CrossEntropyLoss()

    def train_step(self, x, y):
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(device, dtype=torch.float16):
            loss = self.criterion(self.model(x), y)
        self.scaler.scale(loss).backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.max_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return loss.item()

    @torch.no_grad()
    def validate(self, loader):
        self.model.eval()
        loss, right, n = 0.0, 0, 0
        for x, y in loader:
            x, y = x.to(device), y.to(device)
            with autocast(device, dtype=torch.float16):
                out = self.model(x)
            loss += self.criterion(out.float(), y).item() * len(y)
            right += (out.argmax(1) == y).sum().item()
            n += len(y)
        return loss / n, right / n


def main():
    torch.manual_seed(1)
    train, val = loaders(64)
    trainer = Trainer(nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 48), nn.ReLU(), nn.Linear(48, 10)))
    for epoch in range(10):
        trainer.model.train()
        losses = [trainer.train_step(x.to(device), y.to(device)) for x, y in train]
        vl, acc = trainer.validate(val)
        print(f"epoch {epoch:2d} train {sum(losses) / len(losses):.4f} val {vl:.4f} acc {acc:.4f}")


if __name__ == "__main__":
    main()
