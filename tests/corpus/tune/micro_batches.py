"""Digit classifier trained in micro-batches on a machine with little memory."""
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class MicroBatchTrainer:
    def __init__(self, model, optimizer, group, clip=5.0):
        self.model, self.optimizer, self.group, self.clip = model, optimizer, group, clip
        self.criterion = nn.CrossEntropyLoss()

    def fit_epoch(self, loader):
        self.model.train()
        batches = list(loader)
        total = 0.0
        for start in range(0, len(batches), self.group):
            chunk = batches[start:start + self.group]
            for x, y in chunk:
                loss = self.criterion(self.model(x), y)
                (loss / len(chunk)).backward()
                total += loss.item()
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
            self.optimizer.step()
            self.optimizer.zero_grad()
        return total / len(batches)

    @torch.no_grad()
    def evaluate(self, loader):
        self.model.eval()
        loss, right, n = 0.0, 0, 0
        for x, y in loader:
            out = self.model(x)
            loss += self.criterion(out, y).item() * len(y)
            right += (out.argmax(1) == y).sum().item()
            n += len(y)
        return loss / n, right / n


def main():
    torch.manual_seed(1)
    d = load_digits()
    xtr, xva, ytr, yva = train_test_split(d.data / 16, d.target, test_size=0.25, stratify=d.target, random_state=1)
    make = lambda x, y: TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(y))
    train, val = DataLoader(make(xtr, ytr), 16, shuffle=True), DataLoader(make(xva, yva), 225)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    trainer = MicroBatchTrainer(model, torch.optim.Adam(model.parameters(), lr=4e-3), group=4)
    for epoch in range(10):
        tr = trainer.fit_epoch(train)
        vl, acc = trainer.evaluate(val)
        print(f"epoch {epoch} train {tr:.4f} val {vl:.4f} acc {acc:.3f}")


if __name__ == "__main__":
    main()
