import torch
from torch import nn
from sklearn.datasets import load_digits
torch.manual_seed(0); d = load_digits(); X = torch.tensor(d.data / 16).float(); Y = torch.tensor(d.target); p = torch.randperm(len(X)); X, Y = X[p], Y[p]
labelled, pool, test = slice(0, 200), slice(200, 1300), slice(1300, None)
def train(xs, ys, epochs):
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10)); opt = torch.optim.Adam(net.parameters(), 3e-3)
    for _ in range(epochs):
        net.train()
        for b in torch.randperm(len(xs)).split(40):
            l = nn.functional.cross_entropy(net(xs[b]), ys[b]); opt.zero_grad(); l.backward(); opt.step()
    net.eval(); return net
net = train(X[labelled], Y[labelled], 20)
for rnd in range(2):
    with torch.no_grad(): prob = net(X[pool]).softmax(1); conf, guess = prob.max(1); keep = conf > 0.95
    net = train(torch.cat([X[labelled], X[pool][keep]]), torch.cat([Y[labelled], guess[keep]]), 8)
    with torch.no_grad(): print(rnd, int(keep.sum()), (net(X[test]).argmax(1) == Y[test]).float().mean().item())
