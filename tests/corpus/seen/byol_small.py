"""BYOL on the digits as flat vectors: stop-gradient target network, predictor, kNN evaluation."""
import copy
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(75)
d = load_digits()
x, y = torch.tensor(d.data, dtype=torch.float32) / 16, torch.tensor(d.target)
p = torch.randperm(len(y))
xtr, ytr, xte, yte = x[p[:1440]], y[p[:1440]], x[p[1440:]], y[p[1440:]]


def corrupt(b):
    keep = (torch.rand_like(b) > 0.2).float()
    return b * keep + 0.1 * torch.randn_like(b)


def mlp(i, h, o):
    return nn.Sequential(nn.Linear(i, h), nn.BatchNorm1d(h), nn.ReLU(), nn.Linear(h, o))


class BYOL(nn.Module):
    def __init__(self):
        super().__init__()
        self.online = mlp(64, 128, 32)
        self.predictor = mlp(32, 64, 32)
        self.target = copy.deepcopy(self.online)
        for q in self.target.parameters():
            q.requires_grad = False

    @torch.no_grad()
    def follow(self, tau=0.97):
        for a, b in zip(self.target.parameters(), self.online.parameters()):
            a.mul_(tau).add_(b, alpha=1 - tau)

    def forward(self, u, v):
        pu, pv = self.predictor(self.online(u)), self.predictor(self.online(v))
        with torch.no_grad():
            tu, tv = self.target(u), self.target(v)
        return 2 - (F.cosine_similarity(pu, tv) + F.cosine_similarity(pv, tu)).mean()


def knn(model):
    model.eval()
    with torch.no_grad():
        a, b = F.normalize(model.online(xtr), dim=1), F.normalize(model.online(xte), dim=1)
    return (ytr[(b @ a.T).argmax(1)] == yte).float().mean().item()


model = BYOL()
opt = torch.optim.Adam((q for q in model.parameters() if q.requires_grad), lr=1e-3)
for epoch in range(10):
    model.train()
    for ids in torch.randperm(1440).split(120):
        loss = model(corrupt(xtr[ids]), corrupt(xtr[ids]))
        opt.zero_grad()
        loss.backward()
        opt.step()
        model.follow()
    if epoch % 2:
        print(f"epoch {epoch + 1} loss {loss.item():.3f} 1-NN {knn(model):.3f}")
