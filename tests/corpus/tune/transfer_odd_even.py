import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
        self.head = nn.Linear(128, classes)

    def forward(self, x):
        return self.head(self.backbone(x))


def train(model, dl, params, lr, epochs, freeze_bn=False):
    opt = torch.optim.AdamW(params, lr=lr, weight_decay=1e-4)
    for _ in range(epochs):
        model.train()
        if freeze_bn:
            for m in model.modules():
                if isinstance(m, nn.BatchNorm2d):
                    m.eval()
        total = 0.0
        for x, y in dl:
            opt.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            opt.step()
            total += loss.item()
    return total / len(dl)


@torch.no_grad()
def accuracy(model, dl):
    model.eval()
    return sum((model(x).argmax(1) == y).float().sum().item() for x, y in dl) / len(dl.dataset)


def main():
    torch.manual_seed(23)
    d = load_digits()
    X = torch.tensor(d.images / 16.0, dtype=torch.float32).unsqueeze(1)
    y = torch.tensor(d.target)
    p = torch.randperm(len(y))
    X, y = X[p], y[p]
    source, target = y < 6, y >= 6
    Xs, ys, Xt, yt = X[source], y[source], X[target], y[target] - 6
    src_dl = DataLoader(TensorDataset(Xs[:900], ys[:900]), 50, shuffle=True)
    src_test = DataLoader(TensorDataset(Xs[900:], ys[900:]), 200)
    tgt_dl = DataLoader(TensorDataset(Xt[:300], yt[:300]), 30, shuffle=True)
    tgt_test = DataLoader(TensorDataset(Xt[300:], yt[300:]), 200)

    model = Net(6)
    loss = train(model, src_dl, model.parameters(), 2e-3, 6)
    print(f"source: loss {loss:.4f} acc {accuracy(model, src_test):.4f}")

    model.head = nn.Linear(128, 4)
    model.backbone.requires_grad_(False)
    loss = train(model, tgt_dl, model.head.parameters(), 5e-3, 12, freeze_bn=True)
    print(f"head only: loss {loss:.4f} acc {accuracy(model, tgt_test):.4f}")

    model.backbone.requires_grad_(True)
    loss = train(model, tgt_dl, [{"params": model.backbone.parameters(), "lr": 2e-4}, {"params": model.head.parameters()}],
                 1e-3, 8, freeze_bn=True)
    print(f"all layers: loss {loss:.4f} acc {accuracy(model, tgt_test):.4f}")


if __name__ == "__main__":
    main()
