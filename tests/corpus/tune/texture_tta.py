"""Blob counting (1-4 blobs) with test-time augmentation."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def blobs(n, seed):
    g = torch.Generator().manual_seed(seed)
    cells = [(3, 3), (3, 9), (9, 3), (9, 9)]
    y = torch.randint(0, 4, (n,), generator=g)
    yy, xx = torch.meshgrid(torch.arange(13.0), torch.arange(13.0), indexing="ij")
    x = torch.zeros(n, 1, 13, 13)
    for i in range(n):
        for c in torch.randperm(4, generator=g)[: int(y[i]) + 1].tolist():
            cy, cx = cells[c]
            x[i, 0] += torch.exp(-((yy - cy) ** 2 + (xx - cx) ** 2) / 3)
    return x + 0.2 * torch.randn(x.shape, generator=g), y


def jitter(x):
    dy, dx = torch.randint(-1, 2, (2,)).tolist()
    x = torch.roll(x, (dy, dx), dims=(2, 3))
    if torch.rand(1) < 0.5:
        x = x.flip(3)
    return x + 0.05 * torch.randn_like(x)


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 16, 3, padding=1)
        self.c2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc = nn.Linear(32 * 9, 4)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c1(x)), 2)
        x = F.max_pool2d(F.relu(self.c2(x)), 2)
        return self.fc(x.flatten(1))


@torch.no_grad()
def predict_tta(model, x, views=8):
    model.eval()
    return torch.stack([model(jitter(x)).softmax(-1) for _ in range(views)]).mean(0)


def main():
    torch.manual_seed(1)
    train = DataLoader(TensorDataset(*blobs(1600, 1)), batch_size=40, shuffle=True)
    test = DataLoader(TensorDataset(*blobs(400, 2)), batch_size=200)
    model = Counter()
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(8):
        model.train()
        for x, y in train:
            loss = F.cross_entropy(model(jitter(x)), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
        acc = sum((predict_tta(model, x).argmax(-1) == y).sum().item() for x, y in test) / 400
        print(f"epoch {epoch + 1} loss {loss.item():.3f} TTA accuracy {acc:.3f}")


main()
