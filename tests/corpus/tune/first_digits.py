# My first PyTorch network: handwritten digits
import torch
import torch.nn as nn
import torch.optim as optim
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.manual_seed(42)

# 1. data
X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16.0, y, test_size=0.25, random_state=42, stratify=y)
X_train = torch.tensor(X_train, dtype=torch.float32)
X_test = torch.tensor(X_test, dtype=torch.float32)
y_train = torch.tensor(y_train)
y_test = torch.tensor(y_test)

# 2. model
model = nn.Sequential(
    nn.Linear(64, 64),
    nn.ReLU(),
    nn.Linear(64, 10),
)
loss_fn = nn.CrossEntropyLoss()
optimizer = optim.SGD(model.parameters(), lr=0.03, momentum=0.9)

# 3. training
batch_size = 64
for epoch in range(12):
    model.train()
    order = torch.randperm(len(X_train))
    for i in range(0, len(order), batch_size):
        idx = order[i:i + batch_size]
        pred = model(X_train[idx])
        loss = loss_fn(pred, y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    # 4. evaluation
    model.eval()
    with torch.no_grad():
        pred = model(X_test)
        test_loss = loss_fn(pred, y_test).item()
        acc = (pred.argmax(1) == y_test).float().mean().item()
    print(f"Epoch {epoch + 1:2d}: test loss {test_loss:.4f}, accuracy {acc:.4f}")
