# Customer churn: categorical embeddings + numerical columns, weight-decay groups, best weights by validation AUC.
import copy
import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import roc_auc_score, log_loss
from sklearn.linear_model import LogisticRegression
from torch.utils.data import Dataset, DataLoader

rng = np.random.default_rng(23)
torch.manual_seed(23)
N = 8000
CATS = {"plan": ["basic", "plus", "pro", "family"], "region": [f"r{i}" for i in range(12)],
        "device": ["ios", "android", "web"], "channel": ["ad", "friend", "store", "phone", "mail"]}

table = {c: rng.integers(0, len(v), N) for c, v in CATS.items()}
tenure = rng.exponential(20, N)
calls = rng.poisson(1.6, N)
spend = rng.normal(40, 12, N) + 6 * table["plan"]
usage = rng.gamma(3, 8, N)
region_effect = rng.normal(0, 0.8, 12)
logit = (-0.7 + 0.55 * calls - 0.045 * tenure + region_effect[table["region"]]
         + np.where((table["plan"] == 0) & (table["device"] == 1), 2.6, 0)
         - np.where((table["plan"] == 3), 1.2, 0) + 0.7 * (usage < 12) * (spend > 45) * 4 - 0.5)
churn = (rng.random(N) < 1 / (1 + np.exp(-1.5 * logit))).astype(np.float32)
print("churn rate", churn.mean())

numbers = np.c_[np.log1p(tenure), calls, spend, np.log(usage)].astype(np.float32)
codes = np.stack(list(table.values()), 1)
split = rng.permutation(N)
tr, va, te = split[:5600], split[5600:6800], split[6800:]
mu, sd = numbers[tr].mean(0), numbers[tr].std(0)
numbers = (numbers - mu) / sd


class Customers(Dataset):
    def __init__(self, idx):
        self.c, self.x, self.y = torch.from_numpy(codes[idx]), torch.from_numpy(numbers[idx]), torch.from_numpy(churn[idx])

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return {"cat": self.c[i], "num": self.x[i], "y": self.y[i]}


class TabNet(nn.Module):
    def __init__(self, cards, n_num):
        super().__init__()
        self.embs = nn.ModuleList(nn.Embedding(k, min(6, (k + 1) // 2)) for k in cards)
        d = sum(e.embedding_dim for e in self.embs) + n_num
        for e in self.embs:
            nn.init.normal_(e.weight, std=0.2)
        self.mlp = nn.Sequential(nn.Linear(d, 48), nn.SiLU(), nn.Dropout(0.1), nn.Linear(48, 24), nn.SiLU(), nn.Linear(24, 1))

    def forward(self, cat, num):
        e = [emb(cat[:, i]) for i, emb in enumerate(self.embs)]
        return self.mlp(torch.cat(e + [num], 1)).squeeze(-1)


def predict(model, ds):
    model.eval()
    zs = []
    with torch.no_grad():
        for b in DataLoader(ds, 512):
            zs.append(model(b["cat"], b["num"]))
    return torch.cat(zs).sigmoid().numpy()


train, val, test = Customers(tr), Customers(va), Customers(te)
onehot = lambda idx: np.concatenate([np.eye(len(v))[codes[idx, i]] for i, v in enumerate(CATS.values())] + [numbers[idx]], 1)
base = LogisticRegression(max_iter=500).fit(onehot(tr), churn[tr])
print("logistic auc", roc_auc_score(churn[va], base.predict_proba(onehot(va))[:, 1]))

model = TabNet([len(v) for v in CATS.values()], 4)
decay, plain = [], []
for name, p in model.named_parameters():
    (decay if p.ndim == 2 and "mlp" in name else plain).append(p)
opt = torch.optim.AdamW([dict(params=decay, weight_decay=0.05), dict(params=plain, weight_decay=0.0)], lr=4e-3)
sched = torch.optim.lr_scheduler.ExponentialLR(opt, 0.8)
crit = nn.BCEWithLogitsLoss()
best_auc, best = 0, None
for epoch in range(9):
    model.train()
    s = n = 0
    for batch in DataLoader(train, 64, shuffle=True):
        opt.zero_grad()
        loss = crit(model(batch["cat"], batch["num"]), batch["y"])
        loss.backward()
        opt.step()
        s += loss.item() * len(batch["y"])
        n += len(batch["y"])
    sched.step()
    p = predict(model, val)
    auc = roc_auc_score(churn[va], p)
    print(f"{epoch} train {s / n:.4f} val {log_loss(churn[va], p):.4f} auc {auc:.4f}")
    if auc > best_auc:
        best_auc, best = auc, copy.deepcopy(model.state_dict())
model.load_state_dict(best)
print("test auc", roc_auc_score(churn[te], predict(model, test)))
