"""Digit recogniser with a small MLP, trained on a random portion of the sklearn digits."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

SEED = 7
rng = np.random.default_rng(SEED)
torch.manual_seed(SEED)

digits = load_digits()
images = (digits.data / 16.0).astype(np.float32)
labels = digits.target.astype(np.int64)


def take(start, stop):
    """Random portion of the data between the two fractions."""
    order = rng.permutation(len(images))
    chosen = order[int(start * len(order)):int(stop * len(order))]
    return torch.from_numpy(images[chosen]), torch.from_numpy(labels[chosen])


x_train, y_train = take(0.0, 0.75)
x_test, y_test = take(0.75, 1.0)
print(f"{len(x_train)} training images, {len(x_test)} test images")

train_loader = torch.utils.data.DataLoader(
    torch.utils.data.TensorDataset(x_train, y_train), batch_size=64, shuffle=True)
test_loader = torch.utils.data.DataLoader(
    torch.utils.data.TensorDataset(x_test, y_test), batch_size=256)

net = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 10))
opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(12):
    net.train()
    running = 0.0
    for xb, yb in train_loader:
        opt.zero_grad()
        loss = criterion(net(xb), yb)
        loss.backward()
        opt.step()
        running += loss.item() * len(xb)
    net.eval()
    test_loss, hits = 0.0, 0
    with torch.no_grad():
        for xb, yb in test_loader:
            out = net(xb)
            test_loss += criterion(out, yb).item() * len(xb)
            hits += (out.argmax(1) == yb).sum().item()
    print(f"epoch {epoch:2d}  train {running / len(x_train):.4f}  "
          f"test {test_loss / len(x_test):.4f}  acc {hits / len(x_test):.3f}")
