import math, torch, torch.nn as nn

torch.manual_seed(0)
x = torch.rand(1500, 1) * 4 - 2
y = torch.where(torch.rand(1500, 1) < 0.5, x**2, -(x**2)) / 2 + 0.1 * torch.randn(1500, 1)


class MDN(nn.Module):
    def __init__(self, k=4):
        super().__init__()
        self.h = nn.Sequential(nn.Linear(1, 32), nn.Tanh())
        self.p, self.m, self.s = (nn.Linear(32, k) for _ in range(3))

    def forward(self, x):
        h = self.h(x)
        return self.p(h).log_softmax(-1), self.m(h), self.s(h).clamp(-4, 3)


net = MDN()
o = torch.optim.Adam(net.parameters(), 5e-3)
for e in range(10):
    for i in torch.randperm(1500).split(75):
        p, m, s = net(x[i])
        l = -torch.logsumexp(p - s - 0.5 * ((y[i] - m) / s.exp()) ** 2 - 0.919, -1).mean()
        o.zero_grad()
        l.backward()
        o.step()
    print(e, l.item())
