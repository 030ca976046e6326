import torch
from torch import nn
from sklearn.datasets import load_wine

torch.manual_seed(1)
d = load_wine()
X = torch.tensor(d.data, dtype=torch.float32)
Y = torch.tensor(d.target)
p = torch.randperm(len(X))
tr, te = p[:130], p[130:]
mu, sd = X[tr].mean(0), X[tr].std(0)
X = (X - mu) / sd
net = nn.Sequential(nn.Linear(13, 20), nn.Tanh(), nn.Linear(20, 3))
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)


@torch.no_grad()
def accuracy(inputs, labels):
    net.eval()
    return (net(inputs).argmax(1) == labels).float().mean().item()


for epoch in range(60):
    net.train()
    for b in tr[torch.randperm(len(tr))].split(32):
        loss = nn.functional.cross_entropy(net(X[b]), Y[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
    if epoch % 10 == 9:
        print(epoch, accuracy(X[tr], Y[tr]), accuracy(X[te], Y[te]))
