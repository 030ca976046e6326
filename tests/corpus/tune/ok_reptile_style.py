import copy, torch
from torch import nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
for it in range(40):
    a, p = torch.rand(1) * 4 + 1, torch.rand(1) * 3
    clone = copy.deepcopy(net)
    opt = torch.optim.SGD(clone.parameters(), lr=0.02)
    x = torch.rand(20, 1) * 10 - 5
    y = a * torch.sin(x + p)
    for _ in range(8):
        opt.zero_grad()
        ((clone(x) - y) ** 2).mean().backward()
        opt.step()
    with torch.no_grad():
        for w, v in zip(net.parameters(), clone.parameters()):
            w += 0.2 * (v - w)
