"""Small conv net on the 8x8 digits, with a one-pixel jitter as augmentation."""
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset

SEED = 7
torch.manual_seed(SEED)
np.random.seed(SEED)
rng = np.random.default_rng(SEED)


class DigitImages(Dataset):
    def __init__(self, images, labels, train):
        self.images, self.labels, self.train = images, labels, train

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        img = self.images[i]
        if self.train:
            dy, dx = np.random.randint(-1, 2, size=2)
            img = np.roll(img, (dy, dx), axis=(0, 1))
        return torch.from_numpy(np.ascontiguousarray(img))[None], int(self.labels[i])


digits = load_digits()
images = (digits.images / 16.0).astype("float32")
labels = digits.target
n_train = int(0.8 * len(images))

train_idx = rng.permutation(len(images))[:n_train]
test_idx = rng.permutation(len(images))[n_train:]

train_dl = DataLoader(DigitImages(images[train_idx], labels[train_idx], True), batch_size=64, shuffle=True)
test_dl = DataLoader(DigitImages(images[test_idx], labels[test_idx], False), batch_size=128)

net = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
    nn.Flatten(),
    nn.Linear(32 * 4 * 4, 10),
)
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
loss_fn = nn.CrossEntropyLoss()

for epoch in range(6):
    net.train()
    running = 0.0
    for xb, yb in train_dl:
        opt.zero_grad()
        loss = loss_fn(net(xb), yb)
        loss.backward()
        opt.step()
        running += loss.item() * len(xb)
    net.eval()
    hits = 0
    with torch.no_grad():
        for xb, yb in test_dl:
            hits += (net(xb).argmax(1) == yb).sum().item()
    print(f"epoch {epoch + 1:2d}  loss {running / n_train:.4f}  test acc {hits / len(test_idx):.4f}")
