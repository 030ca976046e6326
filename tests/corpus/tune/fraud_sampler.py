"""Card fraud, 3 % positives, balanced batches, scored by average precision on the natural mix."""
import copy
from dataclasses import dataclass
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler
from sklearn.metrics import average_precision_score, roc_auc_score

@dataclass
class Cfg:
    n: int = 9000
    epochs: int = 12
    batch: int = 128
    lr: float = 2e-3
    seed: int = 99

def make(cfg):
    r = np.random.default_rng(cfg.seed)
    amount, hour, gap = r.lognormal(3, 1, cfg.n), r.uniform(0, 24, cfg.n), r.exponential(20, cfg.n)
    foreign, nmerch = r.random(cfg.n) < .12, r.poisson(3, cfg.n)
    z = 1.3 * (np.log(amount) - 3) + 2.2 * foreign + 1.2 * np.cos((hour - 3) / 24 * 6.283) - .05 * gap + .3 * nmerch
    z = z + 1.0 * foreign * (np.log(amount) - 3) + r.normal(0, .8, cfg.n)
    y = (z > np.quantile(z, .97)).astype(np.float32)
    X = np.column_stack([np.log(amount), np.sin(hour / 24 * 6.283), np.cos(hour / 24 * 6.283), np.log1p(gap), foreign, nmerch])
    return X.astype(np.float32), y

def main(cfg=Cfg()):
    torch.manual_seed(cfg.seed)
    X, y = make(cfg)
    cut = int(.6 * cfg.n), int(.8 * cfg.n)
    m, s = X[:cut[0]].mean(0), X[:cut[0]].std(0)
    X, y = torch.tensor((X - m) / s), torch.tensor(y)
    parts = [TensorDataset(X[a:b], y[a:b]) for a, b in ((0, cut[0]), cut, (cut[1], cfg.n))]
    yt = parts[0].tensors[1]
    w = torch.where(yt == 1, .5 / yt.sum(), .5 / (1 - yt).sum())
    dl = DataLoader(parts[0], cfg.batch, sampler=WeightedRandomSampler(w.double(), len(yt), replacement=True))
    net = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Dropout(.1), nn.Linear(24, 1))
    opt = torch.optim.AdamW(net.parameters(), lr=cfg.lr)
    bce = nn.BCEWithLogitsLoss()
    prior = torch.logit(yt.mean())           # balanced training: put the true prior back at scoring time

    @torch.no_grad()
    def score(ds):
        net.eval(); a, b = ds.tensors
        z = net(a).squeeze(1)
        return bce(z + prior, b).item(), average_precision_score(b, z), roc_auc_score(b, z)

    best = (-1, None)
    for ep in range(cfg.epochs):
        net.train(); t = 0
        for a, b in dl:
            loss = bce(net(a).squeeze(1), b)
            opt.zero_grad(); loss.backward(); opt.step(); t += loss.item() / len(dl)
        v = score(parts[1])
        print(f"{ep:2d} balanced train {t:.3f} | natural val {v[0]:.3f} AP {v[1]:.3f} AUC {v[2]:.3f}")
        if v[1] > best[0]: best = v[1], copy.deepcopy(net.state_dict())
    net.load_state_dict(best[1])
    print("test", score(parts[2]))

if __name__ == "__main__":
    main()
