import torch
from sklearn.datasets import load_digits
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

MICRO, ACCUM = 8, 8


def digits_split(seed):
    d = load_digits()
    x = torch.tensor(d.images, dtype=torch.float32)[:, None] / 16
    y = torch.tensor(d.target)
    p = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    return TensorDataset(x[p[:1536]], y[p[:1536]]), TensorDataset(x[p[1536:]], y[p[1536:]])


def main():
    torch.manual_seed(256)
    train_set, test_set = digits_split(256)
    loader = DataLoader(train_set, batch_size=MICRO, shuffle=True)
    model = nn.Sequential(
        nn.Conv2d(1, 10, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(10, 20, 3, padding=1), nn.ReLU(), nn.Flatten(),
        nn.Linear(320, 10))
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    for epoch in range(6):
        model.train()
        optimizer.zero_grad()
        shown = 0.0
        for i, (x, y) in enumerate(loader, start=1):
            loss = criterion(model(x), y)
            loss.backward()
            shown += loss.item()
            if i % ACCUM == 0:
                optimizer.step()
                optimizer.zero_grad()
        model.eval()
        with torch.no_grad():
            x, y = test_set.tensors
            acc = model(x).argmax(1).eq(y).float().mean().item()
        print(f"epoch {epoch + 1} mean loss {shown / i:.3f} test acc {acc:.3f}")


if __name__ == "__main__":
    main()
