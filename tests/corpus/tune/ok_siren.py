import math, torch
from torch import nn
torch.manual_seed(0)
class Sine(nn.Module):
    def __init__(s, i, o, w0=30., first=False):
        super().__init__(); s.w0 = w0; s.lin = nn.Linear(i, o)
        b = 1 / i if first else math.sqrt(6 / i) / w0
        nn.init.uniform_(s.lin.weight, -b, b)
    def forward(s, x): return torch.sin(s.w0 * s.lin(x))
img = torch.sin(torch.linspace(0, 12, 32))[:, None] * torch.cos(torch.linspace(0, 9, 32))[None]
grid = torch.stack(torch.meshgrid(torch.linspace(-1, 1, 32), torch.linspace(-1, 1, 32), indexing="ij"), -1).view(-1, 2)
net = nn.Sequential(Sine(2, 64, first=True), Sine(64, 64), nn.Linear(64, 1))
opt = torch.optim.Adam(net.parameters(), lr=1e-4)
for step in range(300):
    loss = ((net(grid) - img.reshape(-1, 1)) ** 2).mean()
    opt.zero_grad(); loss.backward(); opt.step()
print(loss.item())
