import numpy as np, torch, torch.nn as nn
from torch.utils.data import DataLoader, Dataset


class Windows(Dataset):
    def __init__(self, s, k):
        self.s, self.k = torch.as_tensor(s, dtype=torch.float32), k

    def __len__(self):
        return len(self.s) - self.k

    def __getitem__(self, i):
        return self.s[i : i + self.k], self.s[i + self.k]


rng = np.random.default_rng(0)
torch.manual_seed(0)
s = np.sin(np.arange(1500) * 2 * np.pi / 24) + 0.001 * np.arange(1500) + 0.1 * rng.normal(size=1500)
tr, te = s[:1200], s[1200:]
m, d = tr.mean(), tr.std()
tl, vl = DataLoader(Windows((tr - m) / d, 24), 64, shuffle=True), DataLoader(Windows((te - m) / d, 24), 128)
net = nn.Sequential(nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 1))
opt = torch.optim.Adam(net.parameters(), 2e-3)
for e in range(8):
    for x, y in tl:
        l = nn.functional.mse_loss(net(x).squeeze(1), y)
        opt.zero_grad()
        l.backward()
        opt.step()
    with torch.no_grad():
        print(e, np.mean([nn.functional.l1_loss(net(x).squeeze(1), y).item() for x, y in vl]))
