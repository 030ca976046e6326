"""Swap-noise denoising autoencoder on a table; its hidden layers feed a small classifier."""
import numpy as np, torch, torch.nn as nn
from sklearn.preprocessing import QuantileTransformer
from sklearn.metrics import roc_auc_score

rng = np.random.default_rng(21); torch.manual_seed(21)
n, d = 4000, 16
F_ = rng.normal(size=(n, 4)); W = rng.normal(size=(4, d))
X = np.exp(.5 * (F_ @ W / 2 + .3 * rng.normal(size=(n, d))))
yv = (np.tanh(F_[:, 0] * F_[:, 1]) + .7 * F_[:, 2] + .25 * rng.normal(size=n) > 0).astype("float32")
un, tr, va = slice(0, 2000), slice(2000, 3200), slice(3200, 4000)
gauss = QuantileTransformer(output_distribution="normal", n_quantiles=200, random_state=0).fit(X[:3200])
Z, yv = torch.tensor(np.clip(gauss.transform(X), -3, 3)).float(), torch.tensor(yv)

class DAE(nn.Module):
    def __init__(self, h=96):
        super().__init__()
        self.e1, self.e2, self.out = nn.Linear(d, h), nn.Linear(h, h), nn.Linear(h, d)
    def hidden(self, x):
        a = torch.relu(self.e1(x)); b = torch.relu(self.e2(a)); return a, b
    def forward(self, x): return self.out(self.hidden(x)[1])

def swap(x, p=.15):
    m = torch.rand_like(x) < p
    other = x[torch.randint(0, len(x), x.shape), torch.arange(x.shape[1])]
    return torch.where(m, other, x), m

dae = DAE(); opt = torch.optim.Adam(dae.parameters(), lr=2e-3)
src = torch.cat([Z[un], Z[tr]])
gen_state = torch.Generator().manual_seed(0)
fixed = torch.rand(800, d, generator=gen_state) < .15
noisy_val = torch.where(fixed, Z[va][torch.randperm(800, generator=gen_state)], Z[va])
for ep in range(12):
    dae.train(); t = []
    for b in torch.randperm(len(src)).split(128):
        xb, m = swap(src[b]); w = 1 + 2 * m.float()
        loss = (w * (dae(xb) - src[b]) ** 2).sum() / w.sum()
        opt.zero_grad(); loss.backward(); opt.step(); t.append(loss.item())
    dae.eval()
    with torch.no_grad():
        w = 1 + 2 * fixed.float(); v = ((w * (dae(noisy_val) - Z[va]) ** 2).sum() / w.sum()).item()
    if ep % 3 == 2: print('dae', ep, f'{np.mean(t):.3f} {v:.3f}')
dae.requires_grad_(False)
feat = torch.cat(dae.hidden(Z), 1); mu, sd = feat[tr].mean(0), feat[tr].std(0) + .1
feat = (feat - mu) / sd
clf = nn.Sequential(nn.Linear(192, 32), nn.ReLU(), nn.Dropout(.4), nn.Linear(32, 1))
opt = torch.optim.AdamW(clf.parameters(), lr=1e-3, weight_decay=.1)
bce = nn.BCEWithLogitsLoss(); best, keep = 9, None
for ep in range(12):
    clf.train(); t = []
    for b in (torch.randperm(1200) + 2000).split(64):
        loss = bce(clf(feat[b]).squeeze(1), yv[b]); opt.zero_grad(); loss.backward(); opt.step(); t.append(loss.item())
    clf.eval()
    with torch.no_grad(): o = clf(feat[va]).squeeze(1); v = bce(o, yv[va]).item()
    if v < best: best, keep = v, {k: a.clone() for k, a in clf.state_dict().items()}
    print('clf', ep, f'{np.mean(t):.3f} {v:.3f} auc {roc_auc_score(yv[va], o):.3f}')
clf.load_state_dict(keep)
