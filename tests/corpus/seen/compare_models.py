"""Three models on the same digits: softmax regression, MLP and CNN."""
import time

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


def make_models():
    return {
        "softmax regression": (nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), 1e-2),
        "mlp": (nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)), 4e-3),
        "cnn": (
            nn.Sequential(
                nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(24 * 16, 10),
            ),
            6e-3,
        ),
    }


def train_and_score(model, lr, train_loader, test_loader, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    criterion = nn.CrossEntropyLoss()
    for _ in range(epochs):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            criterion(model(x), y).backward()
            optimizer.step()
    model.eval()
    correct = 0
    with torch.no_grad():
        for x, y in test_loader:
            correct += (model(x).argmax(1) == y).sum().item()
    return correct / len(test_loader.dataset)


def main():
    torch.manual_seed(26)
    bunch = load_digits()
    x = torch.tensor(bunch.images, dtype=torch.float32).unsqueeze(1) / 16
    y = torch.tensor(bunch.target)
    a, b, c, d = train_test_split(x, y, test_size=0.25, random_state=26, stratify=y)
    train_loader = DataLoader(TensorDataset(a, c), batch_size=64, shuffle=True)
    test_loader = DataLoader(TensorDataset(b, d), batch_size=225)
    for name, (model, lr) in make_models().items():
        start = time.perf_counter()
        score = train_and_score(model, lr, train_loader, test_loader, epochs=8)
        n = sum(p.numel() for p in model.parameters())
        print(f"{name:20s} {n:6d} parameters  accuracy {score:.3f}  {time.perf_counter() - start:.1f}s")


if __name__ == "__main__":
    main()
