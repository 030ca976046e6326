"""Encoder and classifier as two modules with a learning rate each."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def make_patches(n, seed):
    """12x12 textures: stripes horizontal, vertical, diagonal, checkers, blobs."""
    g = torch.Generator().manual_seed(seed)
    yy, xx = torch.meshgrid(torch.arange(12.0), torch.arange(12.0), indexing="ij")
    labels = torch.randint(0, 5, (n,), generator=g)
    imgs = []
    for k in labels.tolist():
        ph = 6.28 * torch.rand(1, generator=g)
        w = 1.2 + 0.4 * torch.rand(1, generator=g)
        if k == 0:
            im = torch.sin(w * yy + ph)
        elif k == 1:
            im = torch.sin(w * xx + ph)
        elif k == 2:
            im = torch.sin(w * (xx + yy) * 0.7 + ph)
        elif k == 3:
            im = torch.sin(w * yy + ph) * torch.sin(w * xx + ph)
        else:
            cy, cx = 3 + 6 * torch.rand(2, generator=g)
            im = 2 * torch.exp(-((yy - cy) ** 2 + (xx - cx) ** 2) / 8) - 0.5
        imgs.append(im + 0.6 * torch.randn(12, 12, generator=g))
    return TensorDataset(torch.stack(imgs).unsqueeze(1), labels)


class Encoder(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.c1 = nn.Conv2d(1, 16, 3, padding=1)
        self.b1 = nn.BatchNorm2d(16)
        self.c2 = nn.Conv2d(16, 32, 3, padding=1)
        self.b2 = nn.BatchNorm2d(32)
        self.drop = nn.Dropout(0.3)
        self.proj = nn.Linear(32 * 9, dim)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.b1(self.c1(x))), 2)
        x = F.max_pool2d(F.relu(self.b2(self.c2(x))), 2)
        return F.relu(self.proj(self.drop(x.flatten(1))))


class Classifier(nn.Module):
    def __init__(self, dim=48, classes=5):
        super().__init__()
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(dim, classes)

    def forward(self, h):
        return self.fc(self.drop(h))


def evaluate(encoder, classifier, loader):
    classifier.eval()
    loss = hits = 0
    with torch.no_grad():
        for x, y in loader:
            out = classifier(encoder(x))
            loss += F.cross_entropy(out, y, reduction="sum").item()
            hits += (out.argmax(1) == y).sum().item()
    n = len(loader.dataset)
    return loss / n, hits / n


def main():
    torch.manual_seed(6)
    train = DataLoader(make_patches(1500, 1), batch_size=50, shuffle=True)
    val = DataLoader(make_patches(400, 2), batch_size=100)
    encoder, classifier = Encoder(), Classifier()
    optimizer = torch.optim.Adam([
        {"params": encoder.parameters(), "lr": 1e-3},
        {"params": classifier.parameters(), "lr": 2e-3},
    ])
    for epoch in range(7):
        encoder.train()
        classifier.train()
        for x, y in train:
            optimizer.zero_grad()
            loss = F.cross_entropy(classifier(encoder(x)), y)
            loss.backward()
            optimizer.step()
        vl, va = evaluate(encoder, classifier, val)
        print(f"epoch {epoch} val loss {vl:.4f} val acc {va:.4f}")


if __name__ == "__main__":
    main()
