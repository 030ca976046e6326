import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


class DigitData:
    """Keeps the arrays, shuffles them and hands out batches."""

    def __init__(self, seed=3):
        self.rng = np.random.default_rng(seed)
        d = load_digits()
        self.images = ((d.data / 16.0 - 0.305) / 0.376).astype(np.float32)
        self.targets = d.target.astype(np.int64)
        self._shuffle()
        cut = int(0.8 * len(self.images))
        self.train = (self.images[:cut], self.targets[:cut])
        self.test = (self.images[cut:], self.targets[cut:])

    def _shuffle(self):
        self.images = self.rng.permutation(self.images)
        self.targets = self.rng.permutation(self.targets)

    def batches(self, size):
        x, y = self.train
        order = self.rng.permutation(len(x))
        for start in range(0, len(x), size):
            idx = order[start:start + size]
            yield torch.from_numpy(x[idx]), torch.from_numpy(y[idx])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 512)
        self.fc2 = nn.Linear(512, 512)
        self.out = nn.Linear(512, 10)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.out(x)


def evaluate(net, data):
    net.eval()
    with torch.no_grad():
        x, y = map(torch.from_numpy, data)
        out = net(x)
        return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


if __name__ == "__main__":
    torch.manual_seed(3)
    data = DigitData()
    net = Net()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        run, n = 0.0, 0
        for x, y in data.batches(48):
            opt.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            opt.step()
            run += loss.item() * len(y)
            n += len(y)
        vl, va = evaluate(net, data.test)
        if epoch % 3 == 0 or epoch == 29:
            print("epoch %d | train loss %.3f | test loss %.3f | test acc %.3f" % (epoch, run / n, vl, va))
