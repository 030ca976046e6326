"""A miniature vision transformer on the digits, with transforms written by hand."""
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Dataset


class Compose:
    def __init__(self, *steps):
        self.steps = steps

    def __call__(self, x):
        for step in self.steps:
            x = step(x)
        return x


class ToUnit:
    def __call__(self, x):
        return x / 16.0


class Normalize:
    def __init__(self, mean, std):
        self.mean, self.std = mean, std

    def __call__(self, x):
        return (x - self.mean) / self.std


class AddNoise:
    def __init__(self, sigma):
        self.sigma = sigma

    def __call__(self, x):
        return x + self.sigma * torch.randn_like(x)


def get_transforms(train):
    if train:
        return Compose(ToUnit(), AddNoise(0.03), Normalize(0.305, 0.376))
    return Compose(ToUnit())


class Digits(Dataset):
    def __init__(self, images, labels, transform):
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.transform(self.images[i]), self.labels[i]


@dataclass
class ViTConfig:
    patch: int = 2
    dim: int = 40
    heads: int = 4
    depth: int = 1
    classes: int = 10


class ViT(nn.Module):
    def __init__(self, c):
        super().__init__()
        n = (8 // c.patch) ** 2
        self.patchify = nn.Conv2d(1, c.dim, c.patch, stride=c.patch)
        self.cls = nn.Parameter(torch.zeros(1, 1, c.dim))
        self.pos = nn.Parameter(torch.randn(1, n + 1, c.dim) * 0.02)
        layer = nn.TransformerEncoderLayer(c.dim, c.heads, 2 * c.dim, dropout=0.05, activation="gelu",
                                           batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, c.depth, norm=nn.LayerNorm(c.dim), enable_nested_tensor=False)
        self.head = nn.Linear(c.dim, c.classes)

    def forward(self, x):
        h = self.patchify(x).flatten(2).transpose(1, 2)
        h = torch.cat([self.cls.expand(len(x), -1, -1), h], 1) + self.pos
        return self.head(self.encoder(h)[:, 0])


def main(epochs=6, lr=5e-3):
    torch.manual_seed(10)
    X, y = load_digits(return_X_y=True)
    X, y = torch.tensor(X).float().view(-1, 1, 8, 8), torch.tensor(y)
    tr, va = train_test_split(torch.arange(len(X)).numpy(), test_size=0.2, stratify=y, random_state=10)
    train = DataLoader(Digits(X[tr], y[tr], get_transforms(train=True)), 64, shuffle=True)
    val = DataLoader(Digits(X[va], y[va], get_transforms(train=False)), 128)
    model = ViT(ViTConfig())
    opt = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.05)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, lr, epochs=epochs, steps_per_epoch=len(train), pct_start=0.2)
    for epoch in range(epochs):
        model.train()
        seen, total = 0, 0.0
        for images, labels in train:
            loss = F.cross_entropy(model(images), labels)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            sched.step()
            total += loss.item() * len(labels)
            seen += len(labels)
        model.eval()
        v_total, v_right = 0.0, 0
        with torch.no_grad():
            for images, labels in val:
                logits = model(images)
                v_total += F.cross_entropy(logits, labels, reduction="sum").item()
                v_right += (logits.argmax(1) == labels).sum().item()
        print(f"epoch {epoch}: train {total / seen:.4f} val {v_total / len(va):.4f} acc {v_right / len(va):.4f}")


if __name__ == "__main__":
    main()
