import torch, torch.nn as nn
from torch.func import functional_call

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(1, 32), nn.ReLU(), nn.Linear(32, 1))
o = torch.optim.Adam(net.parameters(), 1e-3)
for it in range(60):
    total = 0
    for task in range(4):
        a, p = torch.rand(()) * 4 + 0.5, torch.rand(()) * 3
        x = torch.rand(10, 1) * 6 - 3
        y = a * torch.sin(x + p)
        xq = torch.rand(10, 1) * 6 - 3
        yq = a * torch.sin(xq + p)
        ps = dict(net.named_parameters())
        l = nn.functional.mse_loss(functional_call(net, ps, (x,)), y)
        g = torch.autograd.grad(l, ps.values(), create_graph=True)
        fast = {k: v - 0.01 * d for (k, v), d in zip(ps.items(), g)}
        total = total + nn.functional.mse_loss(functional_call(net, fast, (xq,)), yq)
    o.zero_grad()
    total.backward()
    o.step()
print(total.item())
