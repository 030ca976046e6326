"""Small CNN for painted road arrows: turn left, turn right, straight on."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

SIZE = 20
CLASSES = ["left", "right", "straight"]


def draw_arrow(kind, rng):
    img = np.zeros((SIZE, SIZE), np.float32)
    cx, cy = rng.integers(8, 12, size=2)
    if kind == "straight":
        img[cy - 6:cy + 6, cx - 1:cx + 1] = 1
        for k in range(4):
            img[cy - 6 + k, cx - 1 - k:cx + 1 + k] = 1
    else:
        img[cy - 2:cy + 6, cx - 1:cx + 1] = 1              # stem
        img[cy - 2:cy, cx - 5:cx + 1] = 1                  # arm
        for k in range(4):
            img[cy - 1 - k:cy + 1 + k, cx - 7 + k] = 1     # tip
        if kind == "right":
            img = img[:, ::-1].copy()
    img *= rng.uniform(0.6, 1.0)
    img += rng.normal(0, 0.12, img.shape)
    return np.clip(img, 0, 1)


def make_images(n, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, len(CLASSES), size=n)
    x = np.stack([draw_arrow(CLASSES[k], rng) for k in y])[:, None]
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


class SignDataset(Dataset):
    def __init__(self, images, labels, augment=False):
        self.images, self.labels, self.augment = images, labels, augment

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        img = self.images[i]
        if self.augment:
            img = self.random_view(img)
        return img, self.labels[i]

    @staticmethod
    def random_view(img):
        if torch.rand(()) < 0.5:
            img = torch.flip(img, dims=[-1])
        dx, dy = torch.randint(-1, 2, (2,)).tolist()
        img = torch.roll(img, (dy, dx), dims=(-2, -1))
        return img * (0.9 + 0.2 * torch.rand(()))


class SignNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3, padding=1)
        self.conv2 = nn.Conv2d(12, 24, 3, padding=1)
        self.fc = nn.Linear(24 * 5 * 5, len(CLASSES))

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(x.flatten(1))


def accuracy(net, loader):
    net.eval()
    hits, total, loss = 0, 0, 0.0
    with torch.no_grad():
        for x, y in loader:
            out = net(x)
            loss += F.cross_entropy(out, y, reduction="sum").item()
            hits += (out.argmax(1) == y).sum().item()
            total += len(y)
    return loss / total, hits / total


torch.manual_seed(11)
train_set = SignDataset(*make_images(1500, seed=1), augment=True)
test_set = SignDataset(*make_images(500, seed=2))
train_loader = DataLoader(train_set, batch_size=50, shuffle=True)
test_loader = DataLoader(test_set, batch_size=250)

net = SignNet()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(8):
    net.train()
    total = 0.0
    for x, y in train_loader:
        opt.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        opt.step()
        total += loss.item() * len(y)
    vl, va = accuracy(net, test_loader)
    print(f"[{epoch + 1}/8] train loss {total / len(train_set):.3f} | test loss {vl:.3f} acc {va:.3f}")
