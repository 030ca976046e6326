import torch, torch.nn as nn
from torch.utils.data import Dataset, DataLoader
from sklearn.datasets import load_digits


class Noisy(Dataset):
    def __init__(self, x, sigma):
        self.x, self.sigma = x, sigma

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i] + self.sigma * torch.randn(64), self.x[i]


torch.manual_seed(3)
x = torch.tensor(load_digits().data, dtype=torch.float32) / 16
g = torch.Generator().manual_seed(0)
test_noise = 0.3 * torch.randn(397, 64, generator=g)
net = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64))
opt = torch.optim.Adam(net.parameters(), 1e-3)
for e in range(6):
    for a, b in DataLoader(Noisy(x[:1400], 0.3), 70, shuffle=True):
        l = (net(a) - b).pow(2).mean()
        opt.zero_grad()
        l.backward()
        opt.step()
    with torch.no_grad():
        print(e, (net(x[1400:] + test_noise) - x[1400:]).pow(2).mean().item())
