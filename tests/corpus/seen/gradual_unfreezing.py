"""Three phases: head only, then top block, then everything; each phase has its own optimizer and smaller rate."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def loaders(rotate, seed):
    d = load_digits()
    x = torch.tensor(d.images, dtype=torch.float32)[:, None] / 16
    if rotate:
        x = 1 - x.transpose(2, 3)
    y = torch.tensor(d.target)
    p = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    half = p[:900] if not rotate else p[900:]
    cut = 700
    return (DataLoader(TensorDataset(x[half[:cut]], y[half[:cut]]), 50, shuffle=True),
            DataLoader(TensorDataset(x[half[cut:]], y[half[cut:]]), 250))


def run(model, params, data, epochs, lr, tag):
    params = list(params)
    for p in model.parameters():
        p.requires_grad_(False)
    for p in params:
        p.requires_grad_(True)
    opt = torch.optim.AdamW(params, lr=lr)
    train, valid = data
    for e in range(epochs):
        model.train()
        for x, y in train:
            opt.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            opt.step()
        model.eval()
        with torch.no_grad():
            acc = sum((model(x).argmax(1) == y).sum().item() for x, y in valid) / len(valid.dataset)
        print(f"{tag:>8} {e} loss {loss.item():.3f} acc {acc:.3f}")


torch.manual_seed(76)
model = nn.Sequential()
model.add_module("low", nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)))
model.add_module("high", nn.Sequential(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Flatten()))
model.add_module("head", nn.Linear(512, 10))
run(model, model.parameters(), loaders(False, 1), 6, 2e-3, "source")
model.head = nn.Linear(512, 10)
target = loaders(True, 1)
run(model, model.head.parameters(), target, 4, 2e-3, "head")
run(model, [*model.high.parameters(), *model.head.parameters()], target, 3, 1e-3, "top")
run(model, model.parameters(), target, 3, 2e-4, "all")
