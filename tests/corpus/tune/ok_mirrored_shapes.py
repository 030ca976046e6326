"""Blobs and bars, mirrored at random: a mirror image shows the same thing."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


def shapes(n):
    kinds = torch.randint(0, 2, (n,))
    images = 0.2 * torch.randn(n, 1, 12, 12)
    for image, kind in zip(images, kinds):
        r, c = torch.randint(1, 7, (2,)).tolist()
        if kind:
            image[0, r : r + 4, c : c + 4] += 1
        else:
            image[0, r : r + 1, 1:11] += 1
    return images, kinds


class Mirrored(Dataset):
    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        image = self.images[i]
        return (image.flip(-1) if torch.rand(()) < 0.5 else image), self.labels[i]


torch.manual_seed(0)
train = Mirrored(*shapes(600))
x_test, y_test = shapes(200)
net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(200, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(5):
    for x, y in DataLoader(train, batch_size=30, shuffle=True):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    with torch.no_grad():
        print(epoch, (net(x_test).argmax(1) == y_test).float().mean().item())
