"""House-price style regression with a large effective batch."""
import torch
from sklearn.datasets import make_friedman1
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

BATCH = 64
ACCUMULATE = 32          # effective batch of 2048, as for the full table
EPOCHS = 20


def table(n=2000, seed=0):
    x, y = make_friedman1(n, n_features=10, noise=0.5, random_state=seed)
    x = (x - 0.5) / 0.29
    y = (y - y.mean()) / y.std()
    return TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32).unsqueeze(1))


def train_one_epoch(model, loader, optimizer, loss_fn):
    model.train()
    optimizer.zero_grad()
    total = 0.0
    for step, (x, y) in enumerate(loader):
        loss = loss_fn(model(x), y)
        (loss / ACCUMULATE).backward()
        if (step + 1) % ACCUMULATE == 0:
            optimizer.step()
            optimizer.zero_grad()
        total += loss.item() * len(x)
    return total / len(loader.dataset)


@torch.no_grad()
def evaluate(model, loader, loss_fn):
    model.eval()
    return sum(loss_fn(model(x), y).item() * len(x) for x, y in loader) / len(loader.dataset)


def main():
    torch.manual_seed(1)
    train, val = random_split(table(), [1600, 400], generator=torch.Generator().manual_seed(1))
    train_loader = DataLoader(train, batch_size=BATCH, shuffle=True)
    val_loader = DataLoader(val, batch_size=400)
    model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    loss_fn = nn.MSELoss()
    for epoch in range(EPOCHS):
        tr = train_one_epoch(model, train_loader, optimizer, loss_fn)
        va = evaluate(model, val_loader, loss_fn)
        if epoch % 2 == 0:
            print(f"epoch {epoch:2d}: train {tr:.4f}  val {va:.4f}")


if __name__ == "__main__":
    main()
