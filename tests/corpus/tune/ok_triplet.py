import torch, torch.nn as nn

torch.manual_seed(0)
C = torch.randn(6, 20)
y = torch.randint(0, 6, (900,))
X = C[y] + 0.7 * torch.randn(900, 20)
net = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 8))
opt = torch.optim.Adam(net.parameters(), 1e-3)
crit = nn.TripletMarginLoss(0.5)
for s in range(150):
    a = torch.randint(0, 700, (64,))
    pos = torch.stack([torch.nonzero(y[:700] == y[i])[torch.randint(0, 50, ())][0] for i in a])
    neg = torch.randint(0, 700, (64,))
    l = crit(net(X[a]), net(X[pos]), net(X[neg]))
    opt.zero_grad()
    l.backward()
    opt.step()
with torch.no_grad():
    zt, zv = net(X[:700]), net(X[700:])
    print((y[:700][torch.cdist(zv, zt).argmin(1)] == y[700:]).float().mean())
