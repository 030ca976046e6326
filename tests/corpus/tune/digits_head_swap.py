"""Pretrain on 0-5, linear-probe 6-9 with a frozen backbone, then unfreeze."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        )
        self.head = nn.Linear(128, classes)
        self.frozen = False

    def freeze(self, flag):
        self.frozen = flag
        for p in self.backbone.parameters():
            p.requires_grad_(not flag)

    def train(self, mode=True):
        super().train(mode)
        if self.frozen:
            self.backbone.eval()
        return self

    def forward(self, x):
        return self.head(self.backbone(x))


def subset(d, lo, hi, seed):
    y = torch.tensor(d.target)
    keep = (y >= lo) & (y < hi)
    x = torch.tensor(d.images, dtype=torch.float32)[keep].unsqueeze(1) / 16
    y = y[keep] - lo
    p = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    k = int(0.7 * len(y))
    return (DataLoader(TensorDataset(x[p[:k]], y[p[:k]]), batch_size=32, shuffle=True),
            DataLoader(TensorDataset(x[p[k:]], y[p[k:]]), batch_size=300))


def loop(name, net, opt, train, test, epochs):
    ce = nn.CrossEntropyLoss()
    for e in range(epochs):
        net.train()
        for x, y in train:
            opt.zero_grad()
            loss = ce(net(x), y)
            loss.backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            ok = sum((net(x).argmax(1) == y).sum().item() for x, y in test)
        print(f"{name} {e + 1}: loss {loss.item():.3f} test acc {ok / len(test.dataset):.3f}")


if __name__ == "__main__":
    torch.manual_seed(1)
    d = load_digits()
    net = Net(6)
    loop("pretrain", net, torch.optim.Adam(net.parameters(), lr=1e-3), *subset(d, 0, 6, 0), epochs=4)

    train, test = subset(d, 6, 10, 1)
    net.freeze(True)
    net.head = nn.Linear(128, 4)
    loop("probe", net, torch.optim.Adam(net.head.parameters(), lr=3e-3), train, test, epochs=5)

    net.freeze(False)
    groups = [{"params": net.backbone.parameters(), "lr": 1e-4}, {"params": net.head.parameters(), "lr": 5e-4}]
    loop("finetune", net, torch.optim.Adam(groups), train, test, epochs=3)
