import torch
from torch import nn
torch.manual_seed(0)
A = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
def rk4(f, y, t):
    out = [y]
    for a, b in zip(t[:-1], t[1:]):
        h = b - a; k1 = f(y); k2 = f(y + h / 2 * k1); k3 = f(y + h / 2 * k2); k4 = f(y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4); out.append(y)
    return torch.stack(out)
t = torch.linspace(0, 10, 400); true = rk4(lambda y: (y ** 3) @ A, torch.tensor([[2.0, 0.0]]), t)
class ODEFunc(nn.Module):
    def __init__(self):
        super().__init__(); self.net = nn.Sequential(nn.Linear(2, 50), nn.Tanh(), nn.Linear(50, 2))
        for m in self.net.modules():
            if isinstance(m, nn.Linear): nn.init.normal_(m.weight, mean=0, std=0.1); nn.init.constant_(m.bias, val=0)
    def forward(self, y): return self.net(y ** 3)
f = ODEFunc(); opt = torch.optim.RMSprop(f.parameters(), lr=1e-3)
for itr in range(1, 80):
    opt.zero_grad(); s = torch.randint(0, 390, (20,)); y0 = true[s]; by = torch.stack([true[s + i] for i in range(10)])
    loss = torch.mean(torch.abs(rk4(f, y0, t[:10]) - by)); loss.backward(); opt.step()
    if itr % 20 == 0:
        with torch.no_grad(): print(itr, torch.mean(torch.abs(rk4(f, true[0], t) - true)).item())
