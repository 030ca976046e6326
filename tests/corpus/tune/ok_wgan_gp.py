import torch, torch.nn as nn

torch.manual_seed(0)
G = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
C = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 1))
og = torch.optim.Adam(G.parameters(), 1e-3)
oc = torch.optim.Adam(C.parameters(), 1e-3)
for it in range(80):
    for _ in range(3):
        real = torch.randn(64, 2) + 2
        fake = G(torch.randn(64, 4)).detach()
        eps = torch.rand(64, 1)
        mid = (eps * real + (1 - eps) * fake).requires_grad_(True)
        (g,) = torch.autograd.grad(C(mid).sum(), mid, create_graph=True)
        loss = C(fake).mean() - C(real).mean() + 10 * ((g.norm(dim=1) - 1) ** 2).mean()
        oc.zero_grad()
        loss.backward()
        oc.step()
    lg = -C(G(torch.randn(64, 4))).mean()
    og.zero_grad()
    lg.backward()
    og.step()
print(lg.item())
