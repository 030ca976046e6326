"""Earthquake or blast? Blasts are rare; a weighted sampler balances the batches."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler


class Seismograms(Dataset):
    def __init__(self, n, seed, blast_rate=0.04, length=48):
        rng = np.random.default_rng(seed)
        self.label = (rng.random(n) < blast_rate).astype(np.int64)
        t = np.arange(length)
        onset = np.where(self.label == 1, 1.5, 6.0)[:, None] * rng.uniform(0.8, 1.2, (n, 1))
        decay = np.where(self.label == 1, 9.0, 14.0)[:, None] * rng.uniform(0.8, 1.2, (n, 1))
        envelope = (1 - np.exp(-t / onset)) * np.exp(-t / decay) * 2.5
        self.trace = (envelope * rng.standard_normal((n, length)) + 0.1 * rng.standard_normal((n, length))).astype(np.float32)

    def __len__(self):
        return len(self.label)

    def __getitem__(self, i):
        return torch.from_numpy(self.trace[i]).abs().log1p()[None], torch.tensor(self.label[i])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(1, 16, 7, padding=3, stride=2)
        self.conv2 = nn.Conv1d(16, 16, 5, padding=2, stride=2)
        self.fc = nn.Linear(16 * 12, 2)

    def forward(self, x):
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.conv2(x))
        return self.fc(x.flatten(1))


def balanced_accuracy(model, loader):
    model.eval()
    hit, count = torch.zeros(2), torch.zeros(2)
    with torch.no_grad():
        for x, y in loader:
            ok = (model(x).argmax(1) == y).float()
            hit.index_add_(0, y, ok)
            count.index_add_(0, y, torch.ones_like(ok))
    return (hit / count).mean().item(), (hit / count).tolist()


def main():
    torch.manual_seed(61)
    train, test = Seismograms(3600, 1), Seismograms(2000, 2)
    weight = 1.0 / np.bincount(train.label)[train.label]
    sampler = WeightedRandomSampler(torch.from_numpy(weight), num_samples=1800, replacement=True)
    loader = DataLoader(train, batch_size=60, sampler=sampler)
    test_loader = DataLoader(test, batch_size=500)
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(6):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            optimizer.step()
        score, per_class = balanced_accuracy(model, test_loader)
        print(f"epoch {epoch + 1}: loss {loss.item():.3f}, balanced accuracy {score:.3f} "
              f"(quakes {per_class[0]:.3f}, blasts {per_class[1]:.3f})")


if __name__ == "__main__":
    main()
