"""Digits with Gaussian pixel noise; the loader prepares batches in the background."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset


class NoisyDigits(Dataset):
    """Adds sensor noise to every image it hands out."""

    def __init__(self, images, targets, sigma=0.1, seed=42):
        self.images = images
        self.targets = targets
        self.sigma = sigma
        self.rng = np.random.RandomState(seed)

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        x = self.images[index]
        if self.sigma > 0:
            x = x + self.rng.normal(0.0, self.sigma, size=x.shape).astype(np.float32)
        return torch.from_numpy(x), self.targets[index]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))


def main():
    torch.manual_seed(3)
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    order = np.random.RandomState(3).permutation(len(X))
    X, y = X[order], y[order]
    train_set = NoisyDigits(X[:1400], y[:1400])
    val_set = NoisyDigits(X[1400:], y[1400:], sigma=0.0)
    train_loader = DataLoader(train_set, batch_size=50, shuffle=True, num_workers=2)
    val_loader = DataLoader(val_set, batch_size=200)

    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(4):
        net.train()
        for x, t in train_loader:
            loss = F.cross_entropy(net(x), t)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        net.eval()
        correct = 0
        with torch.no_grad():
            for x, t in val_loader:
                correct += (net(x).argmax(dim=1) == t).sum().item()
        print("epoch {}: last batch loss {:.3f}, val accuracy {:.2%}".format(epoch, loss.item(), correct / len(val_set)))


if __name__ == "__main__":
    main()
