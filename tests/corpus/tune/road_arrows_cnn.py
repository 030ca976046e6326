"""Which way does the lane arrow point?  Small CNN on rendered road markings."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

CLASSES = ("left", "right", "straight")


def draw_arrow(direction, rng, size=20):
    img = np.zeros((size, size), np.float32)
    r, c = rng.integers(9, 12), rng.integers(9, 11)
    length, head = rng.integers(5, 8), rng.integers(2, 4)
    if direction == "straight":
        img[r - length:r + length, c] = 1
        for k in range(head + 1):
            img[r - length + k, c - k:c + k + 1] = 1
    else:
        side = -1 if direction == "left" else 1
        img[r:r + length + 1, c] = 1
        tip = c + side * length
        img[r - 1:r + 1, min(c, tip):max(c, tip) + 1] = 1
        for k in range(head + 1):
            img[r - k - 1:r + k + 1, tip - side * k] = 1
    img *= rng.uniform(0.6, 1.0)
    img += 0.12 * rng.standard_normal(img.shape).astype(np.float32)
    return img.clip(0, 1)


class RoadMarkings(Dataset):
    def __init__(self, n, seed, transform=None):
        rng = np.random.default_rng(seed)
        self.labels = rng.integers(0, len(CLASSES), n)
        self.images = np.stack([draw_arrow(CLASSES[k], rng) for k in self.labels])
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        img = torch.from_numpy(self.images[i])[None]
        if self.transform is not None:
            img = self.transform(img)
        return (img - 0.15) / 0.3, int(self.labels[i])


class Augment:
    """Small shifts, brightness and mirror images, as usual for photographs."""

    def __init__(self, shift=2, gain=0.2):
        self.shift, self.gain = shift, gain

    def __call__(self, img):
        dy, dx = torch.randint(-self.shift, self.shift + 1, (2,)).tolist()
        img = torch.roll(img, (dy, dx), dims=(1, 2))
        if torch.rand(()) < 0.5:
            img = img.flip(2)
        return img * (1 + self.gain * (2 * torch.rand(()) - 1))


def build():
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(24 * 25, len(CLASSES)))


def validate(model, loader, loss_fn):
    model.eval()
    loss = hits = n = 0
    with torch.inference_mode():
        for x, y in loader:
            out = model(x)
            loss += loss_fn(out, y).item() * len(y)
            hits += (out.argmax(1) == y).sum().item()
            n += len(y)
    return loss / n, hits / n


def main():
    torch.manual_seed(0)
    train_set = RoadMarkings(960, seed=1, transform=Augment())
    valid_set = RoadMarkings(400, seed=2)
    train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
    valid_loader = DataLoader(valid_set, batch_size=200)
    model, loss_fn = build(), nn.CrossEntropyLoss()
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(7):
        model.train()
        total = 0.0
        for x, y in train_loader:
            opt.zero_grad(set_to_none=True)
            loss = loss_fn(model(x), y)
            loss.backward()
            opt.step()
            total += loss.item() * len(y)
        vl, va = validate(model, valid_loader, loss_fn)
        print(f"epoch {epoch} train loss {total / len(train_set):.3f} valid loss {vl:.3f} valid accuracy {va:.3f}")


if __name__ == "__main__":
    main()
