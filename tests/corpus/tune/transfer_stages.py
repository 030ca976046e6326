"""Pretrain a small CNN on digits 0-4, then adapt it to digits 5-9 in two stages."""
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset, random_split


def task(classes):
    d = load_digits()
    keep = torch.tensor([int(t in classes) for t in d.target]).bool()
    x = torch.tensor(d.images / 16.0, dtype=torch.float32)[:, None][keep]
    y = torch.tensor(d.target)[keep] - min(classes)
    ds = TensorDataset(x, y)
    n = int(0.75 * len(ds))
    a, b = random_split(ds, [n, len(ds) - n], generator=torch.Generator().manual_seed(0))
    return DataLoader(a, batch_size=32, shuffle=True), DataLoader(b, batch_size=256)


class Recogniser(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
        self.head = nn.Linear(24 * 4, 5)

    def forward(self, x):
        return self.head(self.backbone(x))


def train_epoch(model, loader, optimizer):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()


@torch.no_grad()
def test(model, loader):
    model.eval()
    s, hits, n = 0.0, 0, 0
    for x, y in loader:
        z = model(x)
        s += nn.functional.cross_entropy(z, y, reduction="sum").item()
        hits += (z.argmax(1) == y).sum().item()
        n += len(y)
    return s / n, hits / n


def main():
    torch.manual_seed(6)
    model = Recogniser()
    src_train, src_val = task(range(0, 5))
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(4):
        train_epoch(model, src_train, opt)
    print("source task: loss %.3f acc %.3f" % test(model, src_val))

    dst_train, dst_val = task(range(5, 10))
    model.head = nn.Linear(24 * 4, 5)
    for p in model.backbone.parameters():
        p.requires_grad_(False)
    opt = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    for epoch in range(12):
        if epoch == 3:
            print("second stage: the whole network")
            for p in model.backbone.parameters():
                p.requires_grad_(True)
            opt.param_groups[0]["lr"] = 5e-4
        train_epoch(model, dst_train, opt)
        print(f"target epoch {epoch}: loss %.3f acc %.3f" % test(model, dst_val))


if __name__ == "__main__":
    main()
