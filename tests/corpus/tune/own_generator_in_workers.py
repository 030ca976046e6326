import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

import numpy as np
from torch.utils.data import Dataset


class Jitter(Dataset):
    def __init__(self, x, y):
        self.x, self.y = x, y
        self.rng = np.random.default_rng(0)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i] + torch.from_numpy(self.rng.normal(size=6)).float(), self.y[i]


def main():
    X = torch.randn(200, 6)
    y = (X[:, 0] > 0).long()
    loader = DataLoader(Jitter(X, y), batch_size=20, shuffle=True, num_workers=2)
    net = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 2))
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)
    for epoch in range(2):
        for a, b in loader:
            opt.zero_grad()
            loss = F.cross_entropy(net(a), b)
            loss.backward()
            opt.step()
        print(loss.item())


if __name__ == "__main__":
    main()
