"""OpenAI-style ES: no backward anywhere, batched population forward through vmap, Adam fed a hand-made gradient."""
import torch
from torch import nn
from torch.func import functional_call, vmap
from sklearn.datasets import load_iris

torch.manual_seed(1)
X, y = load_iris(return_X_y=True)
p = torch.randperm(150)
X, y = torch.tensor(X, dtype=torch.float32)[p], torch.tensor(y)[p]
Xa, ya, Xb, yb = X[:110], y[:110], X[110:], y[110:]
mu, sd = Xa.mean(0), Xa.std(0)
Xa, Xb = (Xa - mu) / sd, (Xb - mu) / sd
net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)).requires_grad_(False)
names, shapes = zip(*[(n, q.shape) for n, q in net.named_parameters()])
theta = torch.cat([q.flatten() for q in net.parameters()])
theta = nn.Parameter(theta)
opt = torch.optim.Adam([theta], lr=0.05)


def unflatten(v):
    out, i = {}, 0
    for n, s in zip(names, shapes):
        out[n] = v[i:i + s.numel()].view(s)
        i += s.numel()
    return out


def fitness(v, x, t):
    return -nn.functional.cross_entropy(functional_call(net, unflatten(v), (x,)), t)


pop = vmap(fitness, in_dims=(0, None, None))
SIG, HALF = 0.1, 40
with torch.no_grad():
    for gen in range(1, 76):
        eps = torch.randn(HALF, theta.numel())
        f = pop(torch.cat([theta + SIG * eps, theta - SIG * eps]), Xa, ya)
        rank = f.argsort().argsort().float() / (2 * HALF - 1) - 0.5
        g = ((rank[:HALF] - rank[HALF:]) @ eps) / (2 * HALF * SIG)
        theta.grad = -g
        opt.step()
        if gen % 15 == 0:
            for grp in opt.param_groups:
                grp["lr"] *= 0.7
            v = functional_call(net, unflatten(theta), (Xb,))
            print(f"gen {gen} train ce {-fitness(theta, Xa, ya).item():.3f} val ce {nn.functional.cross_entropy(v, yb).item():.3f} acc {(v.argmax(1) == yb).float().mean().item():.3f}")
