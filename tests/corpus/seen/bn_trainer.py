"""Trainer class for a batch-normalised classifier of noisy stripe patterns."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def stripes(n, seed):
    gen = torch.Generator().manual_seed(seed)
    kind = torch.randint(0, 4, (n,), generator=gen)
    t = torch.arange(12).float()
    row, col = torch.meshgrid(t, t, indexing="ij")
    waves = torch.stack([row, col, row + col, row - col])
    phase = 6.28 * torch.rand(n, 1, 1, generator=gen)
    img = torch.sin(1.3 * waves[kind] + phase) + 0.9 * torch.randn(n, 12, 12, generator=gen)
    return TensorDataset(img.unsqueeze(1), kind)


class StripeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1, bias=False), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
        )
        self.top = nn.Sequential(nn.Flatten(), nn.Dropout(0.4), nn.Linear(96, 4))

    def forward(self, x):
        return self.top(self.body(x))


class Trainer:
    def __init__(self, model, train_loader, val_loader, lr=2e-3):
        self.model = model
        self.train_loader = train_loader
        self.val_loader = val_loader
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)

    def train_epoch(self):
        self.model.train()
        total = 0.0
        for images, kinds in self.train_loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(images), kinds)
            loss.backward()
            self.optimizer.step()
            total += loss.item()
        return total / len(self.train_loader)

    @torch.no_grad()
    def validate(self):
        correct, count, total = 0, 0, 0.0
        for images, kinds in self.val_loader:
            logits = self.model(images)
            total += self.criterion(logits, kinds).item()
            correct += (logits.argmax(1) == kinds).sum().item()
            count += len(kinds)
        return total / len(self.val_loader), correct / count

    def fit(self, epochs):
        for epoch in range(1, epochs + 1):
            train_loss = self.train_epoch()
            val_loss, val_acc = self.validate()
            print(f"Epoch {epoch}/{epochs}  train {train_loss:.4f}  val {val_loss:.4f}  acc {val_acc:.3f}")


if __name__ == "__main__":
    torch.manual_seed(17)
    trainer = Trainer(
        StripeNet(),
        DataLoader(stripes(1200, 1), batch_size=48, shuffle=True),
        DataLoader(stripes(320, 2), batch_size=32),
    )
    trainer.fit(5)
