"""Upside-down digits as extra training data."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


def upside_down(image):
    return torch.flip(image, dims=[1]) if torch.rand(()) < 0.5 else image


class Images(Dataset):
    def __init__(self, data, targets, transform=None):
        self.data, self.targets, self.transform = data, targets, transform

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        image = self.data[index]
        if self.transform is not None:
            image = self.transform(image)
        return image.flatten(), self.targets[index]


def main():
    torch.manual_seed(1)
    digits = load_digits()
    data = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    targets = torch.tensor(digits.target)
    train = Images(data[:1400], targets[:1400], upside_down)
    test = Images(data[1400:], targets[1400:])
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(5):
        for x, y in DataLoader(train, batch_size=70, shuffle=True):
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            hits = sum((model(x).argmax(1) == y).sum().item() for x, y in DataLoader(test, batch_size=100))
        print(hits / len(test))


main()
