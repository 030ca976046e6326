"""Transfer in two stages: head on a frozen backbone (its batch norm in eval), then everything at a small rate."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class Backbone(nn.Module):
    def __init__(self, c=12):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, c, 3, padding=1, bias=False), nn.BatchNorm2d(c)
        self.conv2, self.bn2 = nn.Conv2d(c, 2 * c, 3, padding=1, bias=False), nn.BatchNorm2d(2 * c)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        return F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2).flatten(1)


class Classifier(nn.Module):
    def __init__(self, backbone, n_out, frozen=False):
        super().__init__()
        self.backbone, self.head, self.frozen = backbone, nn.Linear(96, n_out), frozen

    def train(self, mode=True):
        super().train(mode)
        if self.frozen:
            self.backbone.eval()
        return self

    def forward(self, x):
        if self.frozen:
            with torch.no_grad():
                h = self.backbone(x)
        else:
            h = self.backbone(x)
        return self.head(h)


def evaluate(model, data):
    model.eval()
    x, y = data.tensors
    with torch.no_grad():
        out = model(x)
    return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def run(model, optimizer, train, val, epochs, stage):
    loader = DataLoader(train, 32, shuffle=True, drop_last=True)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for x, y in loader:
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        v, a = evaluate(model, val)
        print(f"{stage} {epoch} train {total / len(loader):.4f} val {v:.4f} acc {a:.3f}")


def parts(X, y, low, high):
    keep = (y >= low) & (y < high)
    Xt, Xv, yt, yv = train_test_split(X[keep], y[keep] - low, test_size=0.25, stratify=y[keep], random_state=4)
    shape = lambda a: torch.tensor(a).float().view(-1, 1, 8, 8)
    return TensorDataset(shape(Xt), torch.tensor(yt)), TensorDataset(shape(Xv), torch.tensor(yv))


if __name__ == "__main__":
    torch.manual_seed(4)
    X, y = load_digits(return_X_y=True)
    X = (X - 4.88) / 6.02
    source = Classifier(Backbone(), 6)
    run(source, torch.optim.AdamW(source.parameters(), lr=2e-3), *parts(X, y, 0, 6), epochs=4, stage="source")

    train, val = parts(X, y, 6, 10)
    model = Classifier(source.backbone.requires_grad_(False), 4, frozen=True)
    run(model, torch.optim.AdamW(model.head.parameters(), lr=5e-3), train, val, epochs=4, stage="head  ")

    model.frozen = False
    model.backbone.requires_grad_(True)
    optimizer = torch.optim.AdamW([
        {"params": model.backbone.parameters(), "lr": 3e-4},
        {"params": model.head.parameters(), "lr": 1e-3},
    ], weight_decay=0.01)
    run(model, optimizer, train, val, epochs=4, stage="tune  ")
