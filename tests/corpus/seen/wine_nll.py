from sklearn.datasets import load_wine
import numpy as np
import torch, torch.nn as nn

torch.manual_seed(5); np.random.seed(5)

class WineNet(nn.Module):
    def __init__(self, d_in=13, hidden=24, k=3):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(d_in, hidden),
            nn.ReLU(),
            nn.Linear(hidden, k),
            nn.LogSoftmax(dim=0),
        )

    def forward(self, x):
        return self.net(x)

def standardize(train, *others):
    m, s = train.mean(0), train.std(0)
    return [(a - m) / s for a in (train,) + others]

def main():
    X, y = load_wine(return_X_y=True)
    p = np.random.permutation(len(X))
    X, y = X[p].astype(np.float32), y[p]
    Xtr, Xte = standardize(X[:128], X[128:])
    Xtr, Xte = torch.from_numpy(Xtr), torch.from_numpy(Xte)
    ytr, yte = torch.from_numpy(y[:128]), torch.from_numpy(y[128:])

    net = WineNet()
    crit = nn.NLLLoss()
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    for epoch in range(30):
        net.train()
        for idx in torch.randperm(128).split(16):
            opt.zero_grad()
            loss = crit(net(Xtr[idx]), ytr[idx])
            loss.backward()
            opt.step()
        if epoch % 5 == 4:
            net.eval()
            with torch.no_grad():
                print('epoch', epoch + 1, 'loss %.3f' % loss.item(),
                      'test acc %.3f' % (net(Xte).argmax(1) == yte).float().mean().item())

main()
