import functools
import torch
from torch import nn
from torch.optim import Adam
from torch.utils.data import DataLoader, TensorDataset, random_split

print = functools.partial(print, flush=True)


def spirals(n_per=400, arms=3, seed=0):
    g = torch.Generator().manual_seed(seed)
    t = torch.rand(arms, n_per, generator=g).sqrt() * 3
    base = torch.arange(arms)[:, None] * 2 * torch.pi / arms
    ang = base + t * 1.2 + torch.randn(arms, n_per, generator=g) * 0.12
    xy = torch.stack([t * ang.cos(), t * ang.sin()], -1).reshape(-1, 2)
    lab = torch.arange(arms).repeat_interleave(n_per)
    return TensorDataset(xy, lab)


def train_epoch(model, loader, lr=3e-3):
    model.train()
    optimizer = Adam(model.parameters(), lr=lr)
    criterion = nn.CrossEntropyLoss()
    running = 0.0
    for xy, lab in loader:
        loss = criterion(model(xy), lab)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running += loss.item()
    return running / len(loader)


def evaluate(model, loader):
    model.eval()
    with torch.no_grad():
        hits = [(model(xy).argmax(1) == lab).float().mean() for xy, lab in loader]
    return torch.stack(hits).mean().item()


def main():
    torch.manual_seed(0)
    tr, va = random_split(spirals(), [1000, 200])
    tr, va = DataLoader(tr, 40, shuffle=True), DataLoader(va, 200)
    model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))
    for epoch in range(20):
        l = train_epoch(model, tr)
        if epoch % 4 == 3:
            print("epoch", epoch + 1, "loss", f"{l:.3f}", "acc", f"{evaluate(model, va):.3f}")


if __name__ == "__main__":
    main()
