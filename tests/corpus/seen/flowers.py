"""Iris-like flower measurements, plain SGD."""
import torch
from sklearn.datasets import load_iris
from torch import nn

torch.manual_seed(0)
iris = load_iris()
X = torch.tensor(iris.data, dtype=torch.float32)
y = torch.tensor(iris.target)
perm = torch.randperm(150)
X, y = X[perm], y[perm]
X = (X - X[:110].mean(0)) / X[:110].std(0)
X_train, y_train, X_test, y_test = X[:110], y[:110], X[110:], y[110:]

model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 3))
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-5)

for epoch in range(60):
    model.train()
    perm = torch.randperm(110)
    for i in range(0, 110, 22):
        batch = perm[i:i + 22]
        optimizer.zero_grad()
        loss = loss_fn(model(X_train[batch]), y_train[batch])
        loss.backward()
        optimizer.step()
    if (epoch + 1) % 10 == 0:
        model.eval()
        with torch.no_grad():
            train_loss = loss_fn(model(X_train), y_train).item()
            acc = (model(X_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch + 1}  loss {train_loss:.4f}  test accuracy {acc:.3f}")
