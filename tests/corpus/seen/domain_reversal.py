import torch
import torch.nn as nn
import torch.nn.functional as F


class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, strength):
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        return -ctx.strength * grad, None


class DANN(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU())
        self.label = nn.Linear(24, 3)
        self.domain = nn.Sequential(nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 1))

    def forward(self, x, strength=0.0):
        f = self.features(x)
        return self.label(f), self.domain(Reverse.apply(f, strength)).squeeze(1)


centres = torch.randn(3, 10, generator=torch.Generator().manual_seed(0)) * 1.2


def domain(n, shift, seed):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(3, (n,), generator=g)
    x = centres[y] + torch.randn(n, 10, generator=g)
    x[:, :2] += shift
    return x / 1.6, y


torch.manual_seed(26)
(xs, ys), (xt, _) = domain(1500, 0.0, 1), domain(1500, 0.8, 2)
x_eval, y_eval = domain(500, 0.8, 3)
net = DANN()
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(8):
    net.train()
    lam = min(1.0, epoch / 5) * 0.3
    for a, b in zip(torch.randperm(1500).split(50), torch.randperm(1500).split(50)):
        lab, ds = net(xs[a], lam)
        _, dt = net(xt[b], lam)
        dom = F.binary_cross_entropy_with_logits(torch.cat([ds, dt]), torch.cat([torch.zeros(len(a)), torch.ones(len(b))]))
        loss = F.cross_entropy(lab, ys[a]) + dom
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        lab, _ = net(x_eval)
    print(f"epoch {epoch}: label+domain loss {loss.item():.3f}, target-domain accuracy {(lab.argmax(1) == y_eval).float().mean().item():.3f}")
