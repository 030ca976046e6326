import numpy as np, torch
from torch import nn
from torch.utils.data import Dataset, DataLoader

rng = np.random.default_rng(123); torch.manual_seed(123)
n, d = 3600, 9
L = rng.normal(size=(d, 3))
Z = rng.normal(size=(n, 3)); full = Z @ L.T + .4 * rng.normal(size=(n, d))
score = np.stack([Z[:, 0] * Z[:, 1], Z[:, 2] + .5 * Z[:, 0] ** 2 - .5, -Z[:, 1] - .2 * Z[:, 2]], 1)
label = score.argmax(1)
miss = rng.random((n, d)) < (.08 + .12 / (1 + np.exp(-full)))      # large values go missing more often
raw = np.where(miss, np.nan, full * np.geomspace(1, 500, d) + np.linspace(0, 300, d))   # units differ

class Sensors(Dataset):
    def __init__(self, rows): self.rows = rows
    def __len__(self): return len(self.rows)
    def __getitem__(self, i): return raw[self.rows[i]], label[self.rows[i]]

class Impute:
    """robust scale, median for what is missing, and a flag that says so"""
    def __init__(self, ref):
        self.med = np.nanmedian(ref, 0); q = np.nanpercentile(ref, [25, 75], 0); self.iqr = (q[1] - q[0]) / 1.35
    def __call__(self, batch):
        a = np.stack([b[0] for b in batch]); m = np.isnan(a)
        a = (np.where(m, self.med, a) - self.med) / self.iqr
        return torch.tensor(np.concatenate([a, m], 1), dtype=torch.float32), torch.tensor([int(b[1]) for b in batch])

order = rng.permutation(n); tr, va = order[:2600], order[2600:]
imp = Impute(raw[tr])
train, valid = DataLoader(Sensors(tr), 100, True, collate_fn=imp), DataLoader(Sensors(va), 250, collate_fn=imp)
net = nn.Sequential(nn.Linear(2 * d, 64), nn.Mish(), nn.Dropout(.15), nn.Linear(64, 64), nn.Mish(), nn.Dropout(.15), nn.Linear(64, 3))
opt = torch.optim.NAdam(net.parameters(), lr=2e-3)
best = 9e9
for ep in range(16):
    net.train(); s = 0.
    for x, t in train:
        opt.zero_grad(); loss = nn.functional.cross_entropy(net(x), t); loss.backward(); opt.step(); s += loss.item() / len(train)
    net.eval(); l = a = 0
    with torch.no_grad():
        for x, t in valid:
            o = net(x); l += nn.functional.cross_entropy(o, t, reduction='sum').item(); a += (o.argmax(1) == t).sum().item()
    l, a = l / len(va), a / len(va)
    if l < best: best = l; torch.save(net.state_dict(), '/tmp/missing_best.pt')
    print(ep, f'{s:.3f} {l:.3f} {a:.3f}')
net.load_state_dict(torch.load('/tmp/missing_best.pt')); print('kept', best, 'majority', np.bincount(label[va]).max() / len(va))
