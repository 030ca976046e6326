"""Pretrain a CNN on the digits 0-4, then reuse it for the digits 5-9."""
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


def split_by_class(low):
    data = load_digits()
    keep = data.target < 5 if low else data.target >= 5
    x = torch.tensor(data.images[keep] / 8.0 - 1.0, dtype=torch.float32)[:, None]
    y = torch.tensor(data.target[keep] % 5)
    idx_tr, idx_te = train_test_split(range(len(y)), test_size=0.25, stratify=y, random_state=2)
    train = DataLoader(TensorDataset(x[idx_tr], y[idx_tr]), batch_size=32, shuffle=True)
    test = DataLoader(TensorDataset(x[idx_te], y[idx_te]), batch_size=256)
    return train, test


class Net(nn.Module):
    def __init__(self, n_classes=5):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
        self.head = nn.Linear(128, n_classes)

    def forward(self, x):
        return self.head(self.features(x))


def fit(model, optimizer, train, test, epochs, tag):
    criterion = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for x, y in train:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            hits = sum((model(x).argmax(1) == y).sum().item() for x, y in test)
        print(f"{tag} epoch {epoch + 1}: loss {total / len(train):.3f}  test acc {hits / len(test.dataset):.3f}")


def finetune_setup(model, lr):
    """Small rate for the convolutions, larger one for the classifier."""
    groups = [{"params": model.features.parameters(), "lr": lr * 0.1},
              {"params": model.head.parameters(), "lr": lr}]
    return torch.optim.Adam(groups)


if __name__ == "__main__":
    torch.manual_seed(2)
    net = Net()
    fit(net, torch.optim.Adam(net.parameters(), lr=2e-3), *split_by_class(low=True), epochs=6, tag="pretrain")

    optimizer = finetune_setup(net, lr=2e-3)
    net.head = nn.Linear(128, 5)
    fit(net, optimizer, *split_by_class(low=False), epochs=8, tag="finetune")
