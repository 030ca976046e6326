import torch, numpy as np
from torch.utils.data import Dataset, DataLoader
from torch import nn
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedShuffleSplit

torch.manual_seed(5)
digits = load_digits()
tr, te = next(StratifiedShuffleSplit(1, test_size=450, random_state=5).split(digits.data, digits.target))

class Shifted(Dataset):
    """pads to 10x10 and cuts an 8x8 window at a random place; views > 1 gives a stack of windows"""
    def __init__(self, idx, views=1):
        self.im = torch.tensor(digits.images[idx], dtype=torch.float32) / 16
        self.y = torch.tensor(digits.target[idx]); self.views = views
    def __len__(self): return len(self.y)
    def one(self, im):
        p = nn.functional.pad(im, (1, 1, 1, 1)); r, c = torch.randint(0, 3, (2,)).tolist()
        return p[r:r + 8, c:c + 8][None]
    def __getitem__(self, i):
        if self.views == 1: return self.one(self.im[i]), self.y[i]
        return torch.stack([self.one(self.im[i]) for _ in range(self.views)]), self.y[i]

train = DataLoader(Shifted(tr), 64, shuffle=True)
test = DataLoader(Shifted(te, views=6), 90)
model = nn.Sequential(nn.Conv2d(1, 24, 3, padding=1), nn.ELU(), nn.MaxPool2d(2), nn.Conv2d(24, 48, 3, padding=1), nn.ELU(),
                      nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(.25), nn.Linear(48 * 4, 10))
opt = torch.optim.Adam(model.parameters(), lr=6e-3)
sched = torch.optim.lr_scheduler.PolynomialLR(opt, total_iters=10, power=1.0)
for epoch in range(10):
    model.train(); tot = 0
    for x, y in train:
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward(); opt.step(); tot += loss.item()
    sched.step()
    model.eval(); ll, ok, n = 0, 0, 0
    with torch.no_grad():
        for x, y in test:
            b, v = x.shape[:2]
            logp = model(x.flatten(0, 1)).log_softmax(-1).view(b, v, 10)
            logp = logp.logsumexp(1) - np.log(v)
            ll += nn.functional.nll_loss(logp, y, reduction='sum').item(); ok += (logp.argmax(1) == y).sum().item(); n += b
    print(epoch, f'train {tot / len(train):.3f}  tta loss {ll / n:.3f} acc {ok / n:.3f}')
