"""Digits with batch normalisation, dropout and a step schedule."""
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 10


def loaders():
    d = load_digits()
    xa, xb, ya, yb = train_test_split(d.images / 16.0, d.target, test_size=0.25, random_state=1, stratify=d.target)
    make = lambda x, y: TensorDataset(torch.tensor(x, dtype=torch.float32).unsqueeze(1), torch.tensor(y))
    return DataLoader(make(xa, ya), batch_size=64, shuffle=True), DataLoader(make(xb, yb), batch_size=450)


def conv_block(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU(), nn.MaxPool2d(2))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(conv_block(1, 12), conv_block(12, 24))
        self.classifier = nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(96, 10))

    def forward(self, x):
        return self.classifier(self.features(x))


def accuracy(net, loader, loss_fn):
    net.eval()
    correct = total = 0
    loss = 0.0
    with torch.no_grad():
        for x, y in loader:
            out = net(x)
            loss += loss_fn(out, y).item() * len(y)
            correct += (out.argmax(1) == y).sum().item()
            total += len(y)
    return loss / total, correct / total


def fit(net, train, val):
    loss_fn = nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.4)
    net.train()
    for epoch in range(EPOCHS):
        for x, y in train:
            optimizer.zero_grad()
            loss = loss_fn(net(x), y)
            loss.backward()
            optimizer.step()
        scheduler.step()
        vl, acc = accuracy(net, val, loss_fn)
        print(f"epoch {epoch + 1:2d}/{EPOCHS}: val loss {vl:.4f}, val acc {acc:.4f}")
    return net


if __name__ == "__main__":
    torch.manual_seed(1)
    fit(Net(), *loaders())
