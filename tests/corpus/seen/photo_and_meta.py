"""Image + metadata fusion: which of four machine parts is on the picture?

The picture shows the outline; the metadata row (weight, length, ...) tells the size class.
"""
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Parts(Dataset):
    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        shape = torch.randint(0, 2, (n,), generator=g)
        size = torch.randint(0, 2, (n,), generator=g)
        grid = torch.linspace(-1, 1, 12)
        yy, xx = torch.meshgrid(grid, grid, indexing="ij")
        r = 0.5 + 0.1 * torch.rand(n, 1, 1, generator=g)
        disc = ((xx**2 + yy**2)[None] < r**2).float()
        box = (torch.maximum(xx.abs(), yy.abs())[None] < r * math.sqrt(math.pi) / 2).float()
        img = torch.where(shape.view(-1, 1, 1).bool(), disc, box)
        self.img = (img + 0.15 * torch.randn(n, 12, 12, generator=g)).unsqueeze(1)
        base = torch.randn(n, 6, generator=g)
        sign = (size * 2 - 1).float()
        # the size class hides in the product of two columns
        base[:, 1] = base[:, 0].sign() * sign * base[:, 1].abs()
        self.meta = base
        self.label = shape * 2 + size

    def __len__(self):
        return len(self.label)

    def __getitem__(self, i):
        return self.img[i], self.meta[i], self.label[i]


class FusionNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.image_branch = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 36, 32), nn.ReLU(),
        )
        self.meta_branch = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
        self.classifier = nn.Linear(64, 4)

    def forward(self, img, meta):
        a = self.image_branch(img)
        b = self.meta_branch(meta)
        fused = torch.cat([a, b.detach()], dim=1)
        return self.classifier(fused)


def evaluate(model, loader):
    model.eval()
    n = ok = 0
    with torch.no_grad():
        for img, meta, label in loader:
            ok += (model(img, meta).argmax(1) == label).sum().item()
            n += len(label)
    return ok / n


def main():
    torch.manual_seed(0)
    train_loader = DataLoader(Parts(1600, 1), batch_size=64, shuffle=True)
    test_loader = DataLoader(Parts(500, 2), batch_size=250)
    model = FusionNet()
    optim = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(6):
        model.train()
        for img, meta, label in train_loader:
            optim.zero_grad()
            loss = loss_fn(model(img, meta), label)
            loss.backward()
            optim.step()
        print(f"epoch {epoch + 1}: loss={loss.item():.3f} test={evaluate(model, test_loader):.3f}")


if __name__ == "__main__":
    main()
