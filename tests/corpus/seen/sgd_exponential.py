"""Digits with plain SGD + momentum and an exponential schedule."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.optim import SGD
from torch.optim.lr_scheduler import ExponentialLR
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 14
GAMMA = 1.15


def load(seed):
    ds = load_digits()
    g = torch.Generator().manual_seed(seed)
    p = torch.randperm(len(ds.target), generator=g)
    x = torch.as_tensor(ds.data, dtype=torch.float32)[p] / 16
    y = torch.as_tensor(ds.target)[p]
    return TensorDataset(x[:1400], y[:1400]), TensorDataset(x[1400:], y[1400:])


def main():
    torch.manual_seed(6)
    train, test = load(6)
    train_loader = DataLoader(train, batch_size=70, shuffle=True)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 10))
    optimizer = SGD(model.parameters(), lr=0.03, momentum=0.9)
    scheduler = ExponentialLR(optimizer, gamma=GAMMA)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(EPOCHS):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            optimizer.step()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            x, y = test.tensors
            acc = (model(x).argmax(1) == y).float().mean()
        print(f"epoch {epoch:2d}  lr {optimizer.param_groups[0]['lr']:.4f}  loss {loss:.3f}  test {acc:.3f}")


if __name__ == "__main__":
    main()
