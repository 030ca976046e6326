"""Autoencoder on healthy pump cycles; the alarm limit comes from healthy validation cycles; the test mix has faults."""
import logging
import numpy as np, torch
from torch import nn
from sklearn.metrics import roc_auc_score

logging.basicConfig(level=logging.INFO, format="%(message)s"); log = logging.getLogger("pump")

def cycles(n, rng, fault=None):
    t = np.linspace(0, 1, 48); a, p, w = rng.uniform(.7, 1.3, (n, 1)), rng.uniform(-.3, .3, (n, 1)), rng.uniform(.9, 1.1, (n, 1))
    x = a * np.sin(6.28 * (2 * w * t + p)) + .5 * a ** 2 * np.sin(6.28 * (4 * w * t + 2 * p)) + rng.normal(0, .08, (n, 48))
    if fault == "spike":
        k = rng.integers(4, 44, n); x[np.arange(n), k] += 1.5; x[np.arange(n), k + 1] -= 1.2
    if fault == "flat":
        for r, k in zip(x, rng.integers(0, 32, n)): r[k:k + 14] = r[k]
    if fault == "ring": x += .35 * np.sin(6.28 * 13 * t)
    return torch.tensor(x / .8, dtype=torch.float32)

class Trainer:
    def __init__(self, net, lr):
        self.net, self.opt = net, torch.optim.Adam(net.parameters(), lr=lr); self.sch = torch.optim.lr_scheduler.CosineAnnealingLR(self.opt, 30)
    def fit(self, x, v, epochs=30):
        for ep in range(epochs):
            self.net.train(); s = 0.
            for b in torch.randperm(len(x)).split(50):
                loss = (self.net(x[b]) - x[b]).pow(2).mean(); self.opt.zero_grad(); loss.backward(); self.opt.step(); s += loss.item() * len(b) / len(x)
            self.sch.step()
            if ep % 5 == 4: log.info("epoch %d train %.4f healthy validation %.4f", ep + 1, s, self.errors(v).mean())
    def errors(self, x):
        self.net.eval()
        with torch.no_grad(): return (self.net(x) - x).pow(2).mean(1)

rng = np.random.default_rng(66); torch.manual_seed(66)
train, valid = cycles(1500, rng), cycles(500, rng)
test = torch.cat([cycles(300, rng)] + [cycles(40, rng, f) for f in ("spike", "flat", "ring")]); bad = np.r_[np.zeros(300), np.ones(120)]
net = nn.Sequential(nn.Linear(48, 64), nn.GELU(), nn.Linear(64, 5), nn.Tanh(), nn.Linear(5, 64), nn.GELU(), nn.Linear(64, 48))
tr = Trainer(net, 4e-3); tr.fit(train, valid)
limit = tr.errors(valid).quantile(.99).item(); e = tr.errors(test).numpy()
log.info("limit %.4f  AUC %.4f  false alarms %.3f  found %.3f  mean test error %.3f", limit, roc_auc_score(bad, e), (e[bad == 0] > limit).mean(), (e[bad == 1] > limit).mean(), e.mean())
