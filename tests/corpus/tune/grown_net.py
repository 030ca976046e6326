"""Gradient boosting with small networks, then one corrective pass over all of them."""
import copy
import torch
from torch import nn
from sklearn.datasets import make_friedman2
from sklearn.preprocessing import StandardScaler

def weak(d): return nn.Sequential(nn.Linear(d, 12), nn.Tanh(), nn.Linear(12, 1))

class Boosted(nn.Module):
    def __init__(self): super().__init__(); self.stages, self.rate = nn.ModuleList(), nn.ParameterList()
    def add(self, m, r): self.stages.append(m); self.rate.append(nn.Parameter(torch.tensor(r)))
    def forward(self, x): return sum((r * m(x) for r, m in zip(self.rate, self.stages)), torch.zeros(len(x), 1))

def main():
    torch.manual_seed(9)
    X, y = make_friedman2(2400, noise=60., random_state=9)
    sx, sy = StandardScaler().fit(X[:1600]), StandardScaler().fit(y[:1600, None])
    X, y = torch.tensor(sx.transform(X)).float(), torch.tensor(sy.transform(y[:, None])).float()
    X, Xv, y, yv = X[:1600], X[1600:], y[:1600], y[1600:]
    big = Boosted(); mse = nn.MSELoss()
    def report(tag):
        big.eval()
        with torch.no_grad(): print(f'{tag:12s} train {mse(big(X), y):.4f} valid {mse(big(Xv), yv):.4f}')
    for k in range(6):
        with torch.no_grad(): resid = y - big(X)
        m = weak(4); opt = torch.optim.Adam(m.parameters(), lr=1e-2)
        for ep in range(6):
            for b in torch.randperm(1600).split(80):
                loss = mse(m(X[b]), resid[b]); opt.zero_grad(); loss.backward(); opt.step()
        big.add(m, .6); report(f'stage {k}')
    opt = torch.optim.Adam(big.parameters(), lr=1e-3)
    for ep in range(5):
        big.train()
        for b in torch.randperm(1600).split(80):
            loss = mse(big(X[b]), y[b]); opt.zero_grad(); loss.backward(); opt.step()
        report(f'together {ep}')
    print('shares', [round(r.item(), 2) for r in big.rate])
if __name__ == '__main__': main()
