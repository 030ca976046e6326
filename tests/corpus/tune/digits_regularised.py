import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def prepare(seed):
    X, y = load_digits(return_X_y=True)
    X = torch.tensor(X / 8.0 - 1.0, dtype=torch.float32)
    y = torch.tensor(y)
    Xa, Xb, ya, yb = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
    return TensorDataset(Xa, ya), TensorDataset(Xb, yb)


def make_model(p=0.3):
    return nn.Sequential(
        nn.Linear(64, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Dropout(p),
        nn.Linear(128, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(p),
        nn.Linear(64, 10),
    )


@torch.no_grad()
def accuracy(model, dataset):
    model.eval()
    correct = 0
    for xb, yb in DataLoader(dataset, batch_size=256):
        correct += (model(xb).argmax(1) == yb).sum().item()
    return correct / len(dataset)


def fit(model, train_set, test_set, epochs=12, lr=1e-3, batch_size=32):
    loader = DataLoader(train_set, batch_size=batch_size, shuffle=True)
    opt = torch.optim.Adam(model.parameters(), lr=lr)
    loss_fn = nn.CrossEntropyLoss()
    model.train()
    for epoch in range(epochs):
        running = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = loss_fn(model(xb), yb)
            loss.backward()
            opt.step()
            running += loss.item() * len(yb)
        print(f"epoch {epoch + 1:2d}: loss {running / len(train_set):.4f}, test accuracy {accuracy(model, test_set):.4f}")


if __name__ == "__main__":
    torch.manual_seed(42)
    train_set, test_set = prepare(42)
    fit(make_model(), train_set, test_set)
