"""Tell elliptical from spiral-like and edge-on blobs in 14x14 survey cut-outs."""
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


def render(n, seed):
    g = torch.Generator().manual_seed(seed)
    ax = torch.linspace(-1, 1, 14)
    yy, xx = torch.meshgrid(ax, ax, indexing="ij")
    kinds = torch.randint(0, 3, (n,), generator=g)
    angle = math.pi * torch.rand(n, 1, 1, generator=g)
    u = xx * angle.cos() + yy * angle.sin()
    v = -xx * angle.sin() + yy * angle.cos()
    narrow = torch.tensor([0.45, 0.12, 0.45])[kinds].view(-1, 1, 1)
    img = torch.exp(-(u / 0.5) ** 2 - (v / narrow) ** 2)
    arms = (kinds == 2).view(-1, 1, 1) * 0.5 * torch.sin(9 * (u ** 2 + v ** 2) + 3 * torch.atan2(v, u))
    img = (img + arms * img).clamp(0, 1)
    img = 110 + 120 * img + 12 * torch.randn(n, 14, 14, generator=g)
    return img.clamp(0, 255).to(torch.uint8), kinds


class Normalise:
    def __init__(self, mean, std):
        self.mean, self.std = mean, std

    def __call__(self, x):
        return (x - self.mean) / self.std


class Cutouts(Dataset):
    def __init__(self, images, kinds, transform=None):
        self.images, self.kinds, self.transform = images, kinds, transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        x = self.images[i].float().unsqueeze(0) / 255
        if self.transform:
            x = self.transform(x)
        return x, self.kinds[i]


def network():
    return nn.Sequential(
        nn.Conv2d(1, 10, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(10, 20, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(20 * 16, 3))


def main():
    torch.manual_seed(2)
    images, kinds = render(1500, 0)
    scaled = images.float() / 255
    norm = Normalise(scaled.mean().item(), scaled.std().item())
    train = DataLoader(Cutouts(images, kinds, norm), batch_size=32, shuffle=True)
    val = DataLoader(Cutouts(*render(600, 1)), batch_size=200)
    model = network()
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(6):
        model.train()
        total = 0.0
        for x, y in train:
            opt.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            opt.step()
            total += loss.item()
        model.eval()
        vl, ok = 0.0, 0
        with torch.no_grad():
            for x, y in val:
                z = model(x)
                vl += loss_fn(z, y).item() * len(y) / 600
                ok += (z.argmax(1) == y).sum().item()
        print(f"epoch {epoch}: train {total / len(train):.3f} val {vl:.3f} acc {ok / 600:.3f}")


if __name__ == "__main__":
    main()
