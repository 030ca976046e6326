"""Training loop that runs under torchrun as well as on a single process."""
import os

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler


def world():
    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def build_loader(dataset, batch_size, rank, world_size, train):
    sampler = DistributedSampler(dataset, num_replicas=world_size, rank=rank, shuffle=train, seed=13)
    return DataLoader(dataset, batch_size, sampler=sampler, drop_last=train)


class ConvClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.GroupNorm(4, 16), nn.GELU(), nn.MaxPool2d(2),
                                  nn.Conv2d(16, 32, 3, padding=1), nn.GroupNorm(4, 32), nn.GELU(), nn.AdaptiveAvgPool2d(2))
        self.head = nn.Linear(128, 10)

    def forward(self, x):
        return self.head(self.body(x).flatten(1))


def train(model, train_loader, val_loader, epochs, lr, rank):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(train_loader))
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
    for epoch in range(epochs):
        model.train()
        running = 0.0
        for images, labels in train_loader:
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            schedule.step()
            running += loss.item()
        val_loss, accuracy = validate(model, val_loader, criterion)
        if rank == 0:
            print(f"epoch {epoch}: train {running / len(train_loader):.4f} val {val_loss:.4f} acc {accuracy:.4f}")


@torch.no_grad()
def validate(model, loader, criterion):
    model.eval()
    losses, right, n = 0.0, 0, 0
    for images, labels in loader:
        out = model(images)
        losses += criterion(out, labels).item() * len(labels)
        right += (out.argmax(-1) == labels).sum().item()
        n += len(labels)
    return losses / n, right / n


def main():
    torch.manual_seed(13)
    rank, world_size = world()
    X, y = load_digits(return_X_y=True)
    X = torch.tensor((X / 16.0 - 0.3) / 0.38, dtype=torch.float32).view(-1, 1, 8, 8)
    tr, va = train_test_split(range(len(X)), test_size=0.2, stratify=y, random_state=13)
    y = torch.tensor(y)
    train_loader = build_loader(TensorDataset(X[tr], y[tr]), 64, rank, world_size, train=True)
    val_loader = build_loader(TensorDataset(X[va], y[va]), 128, rank, world_size, train=False)
    train(ConvClassifier(), train_loader, val_loader, epochs=6, lr=3e-3, rank=rank)


if __name__ == "__main__":
    main()
