import torch
from torch import nn
from torch.autograd import Function
import torch.nn.functional as F


class Reverse(Function):
    @staticmethod
    def forward(ctx, x, lam):
        ctx.lam = lam
        return x.view_as(x)

    @staticmethod
    def backward(ctx, g):
        return -ctx.lam * g, None


def domain(n, shift, seed):
    """four blobs; the target domain rotates the nuisance plane"""
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 4, (n,), generator=g)
    c = torch.tensor([[1., 1.], [-1., 1.], [-1., -1.], [1., -1.]])
    core = c[y] + 0.3 * torch.randn(n, 2, generator=g)
    nuis = torch.randn(n, 4, generator=g) * 0.5
    nuis[:, 0] += shift
    a = torch.tensor(0.35 * shift)
    rot = torch.stack([torch.stack([a.cos(), -a.sin()]), torch.stack([a.sin(), a.cos()])])
    return torch.cat([core @ rot, nuis], 1), y


torch.manual_seed(9)
xs, ys = domain(2000, -0.8, 0)
xt, yt = domain(2000, 0.8, 1)
xs_val, ys_val = domain(500, -0.8, 2)
xt_val, yt_val = domain(500, 0.8, 3)
feat = nn.Sequential(nn.Linear(6, 32), nn.ELU(), nn.Linear(32, 16), nn.ELU())
label = nn.Linear(16, 4)
critic = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 1))
params = [{"params": feat.parameters()}, {"params": label.parameters()}, {"params": critic.parameters(), "lr": 2e-2}]
opt = torch.optim.SGD(params, lr=1e-2, momentum=0.9)
mods = nn.ModuleList([feat, label, critic])
EPOCHS, B = 12, 64
n_it = len(xs) // B
for ep in range(EPOCHS):
    mods.train()
    ps, pt = torch.randperm(len(xs)), torch.randperm(len(xt))
    stat = torch.zeros(2)
    for i in range(n_it):
        prog = (ep * n_it + i) / (EPOCHS * n_it)
        lam = 0.3 * (2 / (1 + torch.exp(torch.tensor(-10. * prog))) - 1).item()
        for grp, base in zip(opt.param_groups, (1e-2, 1e-2, 2e-2)):
            grp["lr"] = base / (1 + 10 * prog) ** 0.75
        a, b = ps[i * B:(i + 1) * B], pt[i * B:(i + 1) * B]
        z = feat(torch.cat([xs[a], xt[b]]))
        cls = F.cross_entropy(label(z[:B]), ys[a])
        d = critic(Reverse.apply(z, lam)).squeeze(1)
        dom = F.binary_cross_entropy_with_logits(d, torch.cat([torch.ones(B), torch.zeros(B)]))
        opt.zero_grad()
        (cls + dom).backward()
        opt.step()
        stat += torch.stack([cls, dom]).detach()
    mods.eval()
    with torch.no_grad():
        s, t = label(feat(xs_val)), label(feat(xt_val))
        print(f"{ep:2d} cls {stat[0] / n_it:.3f} dom {stat[1] / n_it:.3f} source val ce {F.cross_entropy(s, ys_val):.3f} acc {(s.argmax(1) == ys_val).float().mean():.3f} target acc {(t.argmax(1) == yt_val).float().mean():.3f}")
