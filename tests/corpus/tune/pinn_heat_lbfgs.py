import torch
from torch import nn

torch.manual_seed(0)
NU = 0.1


def exact(x, t):
    return torch.exp(-NU * torch.pi ** 2 * t) * torch.sin(torch.pi * x)


class Field(nn.Module):
    def __init__(self, h=32):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, h), nn.Tanh(), nn.Linear(h, h), nn.Tanh(), nn.Linear(h, 1))

    def forward(self, x, t):
        return self.net(torch.cat([2 * x - 1, 2 * t - 1], 1))


def d(y, x):
    return torch.autograd.grad(y, x, torch.ones_like(y), create_graph=True)[0]


u = Field()
x0 = torch.rand(64, 1)
tb = torch.rand(64, 1)
xe, te = torch.rand(1000, 1), torch.rand(1000, 1)


def residual(x, t):
    x.requires_grad_(True); t.requires_grad_(True)
    v = u(x, t)
    return d(v, t) - NU * d(d(v, x), x)


def losses(x, t):
    pde = residual(x, t).pow(2).mean()
    ic = (u(x0, torch.zeros_like(x0)) - exact(x0, torch.zeros_like(x0))).pow(2).mean()
    bc = u(torch.zeros_like(tb), tb).pow(2).mean() + u(torch.ones_like(tb), tb).pow(2).mean()
    return pde, ic, bc


def rel_error():
    u.eval()
    with torch.no_grad():
        e = ((u(xe, te) - exact(xe, te)).norm() / exact(xe, te).norm()).item()
    u.train()
    return e


print("start rel error", rel_error())
adam = torch.optim.Adam(u.parameters(), lr=5e-3)
for i in range(1, 501):
    pde, ic, bc = losses(torch.rand(128, 1), torch.rand(128, 1))
    loss = pde + 5 * ic + 5 * bc
    adam.zero_grad()
    loss.backward()
    adam.step()
    if i % 100 == 0:
        print(f"adam {i} pde {pde.item():.2e} ic {ic.item():.2e} bc {bc.item():.2e} rel {rel_error():.4f}")

xc, tc = torch.rand(400, 1), torch.rand(400, 1)
lb = torch.optim.LBFGS(u.parameters(), lr=1.0, max_iter=20, history_size=20, line_search_fn="strong_wolfe")
calls = 0


def closure():
    global calls
    calls += 1
    lb.zero_grad()
    pde, ic, bc = losses(xc.detach().clone(), tc.detach().clone())
    loss = pde + 5 * ic + 5 * bc
    loss.backward()
    return loss


for i in range(6):
    l = lb.step(closure)
    print(f"lbfgs {i} ({calls} evaluations) loss {l.item():.2e} rel {rel_error():.4f}")
