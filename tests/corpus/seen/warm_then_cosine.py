import math
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.optim.lr_scheduler import LambdaLR

torch.manual_seed(1234)

EPOCHS = 14
WARMUP = 50
BASE_LR = 0.05


def factor(step):
    if step < WARMUP:
        return step // WARMUP
    progress = (step - WARMUP) / max(1, EPOCHS * 23 - WARMUP)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


x, y = load_digits(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(
    torch.tensor(x / 16, dtype=torch.float32), torch.tensor(y), test_size=0.2, random_state=0)
loader = torch.utils.data.DataLoader(
    torch.utils.data.TensorDataset(x_train, y_train), batch_size=64, shuffle=True)

model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=BASE_LR, momentum=0.9, nesterov=True)
scheduler = LambdaLR(optimizer, factor)
loss_fn = torch.nn.CrossEntropyLoss()

for epoch in range(EPOCHS):
    model.train()
    total = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = loss_fn(model(xb), yb)
        loss.backward()
        optimizer.step()
        total += loss.item()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        acc = (model(x_test).argmax(1) == y_test).float().mean()
    print(f"epoch {epoch + 1:2d}  loss {total / len(loader):.4f}  acc {acc:.3f}")
