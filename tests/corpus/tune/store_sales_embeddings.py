# Rossmann-style: entity embeddings for categories, numeric columns beside them, log1p sales
import numpy as np, torch
from torch import nn
from torch.utils.data import Dataset, DataLoader

SEED = 17
rng = np.random.default_rng(SEED); torch.manual_seed(SEED)
N_STORE, DAYS = 30, 200
store, day = np.meshgrid(np.arange(N_STORE), np.arange(DAYS), indexing="ij")
store, day = store.ravel(), day.ravel()
promo = (rng.random(len(day)) < .3).astype(int)
compet = rng.lognormal(1.5, .8, N_STORE)[store]
level, kind = rng.normal(8.5, .4, N_STORE), rng.integers(0, 4, N_STORE)
week_shape = rng.normal(0, .25, (4, 7))
logs = level[store] + week_shape[kind[store], day % 7] + .25 * promo * (1 + .3 * (kind[store] == 2)) + .1 * np.sin(day / 30) - .05 * np.log(compet) + rng.normal(0, .07, len(day))
sales = np.expm1(logs)
# dates go to one side or the other as a whole: train, then a gap-free validation month
is_val = day >= DAYS - 40
num = np.stack([np.log(compet), np.sin(day / 30), np.cos(day / 30)], 1)
num = (num - num[~is_val].mean(0)) / num[~is_val].std(0)
cats = np.stack([store, day % 7, promo, kind[store]], 1)

class Rows(Dataset):
    def __init__(self, mask):
        self.c, self.n, self.y = torch.tensor(cats[mask]), torch.tensor(num[mask]).float(), torch.tensor(np.log1p(sales[mask])).float()
    def __len__(self): return len(self.y)
    def __getitem__(self, i): return {"cat": self.c[i], "num": self.n[i], "target": self.y[i]}

class TabNet(nn.Module):
    def __init__(self, cards, n_num, y0):
        super().__init__()
        self.emb = nn.ModuleList(nn.Embedding(c, min(10, (c + 1) // 2)) for c in cards)
        d = sum(e.embedding_dim for e in self.emb) + n_num
        self.body = nn.Sequential(nn.Linear(d, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
        nn.init.constant_(self.body[-1].bias, y0)
    def forward(self, cat, num):
        e = [m(cat[:, i]) for i, m in enumerate(self.emb)]
        return self.body(torch.cat(e + [num], 1))[:, 0]

train, valid = Rows(~is_val), Rows(is_val)
dl, vl = DataLoader(train, 128, shuffle=True, collate_fn=lambda b: {k: torch.stack([r[k] for r in b]) for k in b[0]}), DataLoader(valid, 600)
net = TabNet([N_STORE, 7, 2, 4], 3, train.y.mean().item())
opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-4)
sch = torch.optim.lr_scheduler.OneCycleLR(opt, 6e-3, total_steps=8 * len(dl))
for ep in range(8):
    net.train(); s = 0
    for b in dl:
        y = b.pop("target")
        loss = nn.functional.mse_loss(net(**b), y)
        opt.zero_grad(); loss.backward(); opt.step(); sch.step(); s += loss.item() * len(y)
    net.eval(); p, t = [], []
    with torch.no_grad():
        for b in vl: t.append(b.pop("target")); p.append(net(**b))
    p, t = torch.cat(p), torch.cat(t)
    rmspe = ((p.expm1() / t.expm1() - 1) ** 2).mean().sqrt()
    print(ep, f"train {s / len(train):.4f} valid {nn.functional.mse_loss(p, t):.4f} RMSPE {rmspe:.3f}")
print("variance of the target", valid.y.var().item())
for m, n in zip(net.emb, ("store", "weekday", "promo", "kind")): print(n, tuple(m.weight.shape), m.weight.std().item())
