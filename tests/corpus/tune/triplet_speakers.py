import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, TensorDataset
import torch.nn.functional as F


def make_world(n_id, per, seed):
    g = torch.Generator().manual_seed(seed)
    f0 = torch.rand(n_id, 3, generator=g) * 8 + 2
    amp = torch.rand(n_id, 3, generator=g) + 0.3
    t = torch.linspace(0, 1, 96)
    ident = torch.arange(n_id).repeat_interleave(per)
    ph = torch.rand(len(ident), 3, 1, generator=g) * 6.283
    x = (amp[ident][..., None] * torch.sin(6.283 * f0[ident][..., None] * t + ph)).sum(1)
    x = x + 0.3 * torch.randn(x.shape, generator=g)
    return ((x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True)).unsqueeze(1), ident


class PK(BatchSampler):
    def __init__(self, labels, p, k, n):
        self.by = [torch.nonzero(labels == c).flatten() for c in labels.unique()]
        self.p, self.k, self.n = p, k, n

    def __iter__(self):
        for _ in range(self.n):
            cs = torch.randperm(len(self.by))[:self.p].tolist()
            yield torch.cat([self.by[c][torch.randperm(len(self.by[c]))[:self.k]] for c in cs]).tolist()

    def __len__(self):
        return self.n


class Embed(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(1, 32, 9, 2), nn.BatchNorm1d(32), nn.ReLU(), nn.Conv1d(32, 48, 7, 2), nn.BatchNorm1d(48), nn.ReLU())
        self.proj = nn.Linear(96, 24)

    def forward(self, x):
        h = self.conv(x)
        return F.normalize(self.proj(torch.cat([h.mean(2), h.amax(2)], 1)), dim=1)


def batch_soft(z, y):
    d = (2 - 2 * z @ z.t()).clamp_min(1e-6).sqrt()
    same = y[:, None] == y[None]
    pos = (d * same).max(1).values
    neg = (d + 10.0 * same).min(1).values
    return F.softplus(4 * (pos - neg)).mean()


@torch.no_grad()
def retrieval(net, x, y):
    net.eval()
    z = net(x)
    s = z @ z.t() - 5 * torch.eye(len(z))
    r1 = (y[s.argmax(1)] == y).float().mean().item()
    net.train()
    return r1


torch.manual_seed(12)
xtr, ytr = make_world(60, 20, 0)
xte, yte = make_world(30, 10, 1)     # new identities
net = Embed()
opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-4)
ld = DataLoader(TensorDataset(xtr, ytr), batch_sampler=PK(ytr, 12, 6, 40))
print("untrained rank-1", retrieval(net, xte, yte), "chance", 9 / 299)
for ep in range(8):
    tot = 0.
    for x, y in ld:
        loss = batch_soft(net(x), y)
        opt.zero_grad(); loss.backward(); opt.step()
        tot += loss.item()
    print(f"{ep} loss {tot / len(ld):.3f} rank-1 on unseen identities {retrieval(net, xte, yte):.3f}")
    if ep == 4:
        for g in opt.param_groups:
            g["lr"] *= 0.3
