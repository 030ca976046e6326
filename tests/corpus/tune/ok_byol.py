import copy, torch, torch.nn as nn, torch.nn.functional as F

torch.manual_seed(0)
X = torch.randn(1000, 16)
online = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 16))
pred = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16))
target = copy.deepcopy(online)
for p in target.parameters():
    p.requires_grad_(False)
opt = torch.optim.Adam([*online.parameters(), *pred.parameters()], 1e-3)
for s in range(150):
    x = X[torch.randint(0, 1000, (64,))]
    v1, v2 = x + 0.1 * torch.randn_like(x), x + 0.1 * torch.randn_like(x)
    with torch.no_grad():
        t = target(v2)
    l = 2 - 2 * F.cosine_similarity(pred(online(v1)), t).mean()
    opt.zero_grad()
    l.backward()
    opt.step()
    with torch.no_grad():
        for a, b in zip(online.parameters(), target.parameters()):
            b.mul_(0.99).add_(a, alpha=0.01)
print(l.item())
