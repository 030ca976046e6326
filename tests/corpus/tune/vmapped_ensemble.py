"""Eight networks trained as one through vmap; each has its own mini-batches."""
import copy
import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap
torch.manual_seed(80)
M = 8
def f(x): return torch.sin(3 * x[..., 0]) * torch.cos(2 * x[..., 1]) + .3 * x[..., 2]
X = torch.rand(1200, 3) * 2 - 1; y = f(X) + .1 * torch.randn(1200)
Xv = torch.rand(500, 3) * 2 - 1; yv = f(Xv) + .1 * torch.randn(500)
nets = [nn.Sequential(nn.Linear(3, 40), nn.SiLU(), nn.Linear(40, 40), nn.SiLU(), nn.Linear(40, 1), nn.Flatten(0)) for _ in range(M)]
params, buffers = stack_module_state(nets)
skeleton = copy.deepcopy(nets[0]).to('meta')
def call(p, b, x): return functional_call(skeleton, (p, b), (x,))
opt = torch.optim.AdamW(params.values(), lr=6e-3, weight_decay=1e-3)
sch = torch.optim.lr_scheduler.LinearLR(opt, 1., .05, total_iters=30)
var = y.var().item()
for ep in range(30):
    tot = 0
    perms = torch.stack([torch.randperm(1200) for _ in range(M)])
    for s in range(0, 1200, 60):
        idx = perms[:, s:s + 60]
        pred = vmap(call)(params, buffers, X[idx])
        loss = ((pred - y[idx]) ** 2).mean(1).sum()          # members do not touch each other
        opt.zero_grad(); loss.backward(); opt.step(); tot += loss.item() / M / 20
    sch.step()
    with torch.no_grad():
        each = vmap(call, in_dims=(0, 0, None))(params, buffers, Xv)
    if ep % 5 == 4:
        print(ep + 1, f'train {tot:.4f} member {((each - yv) ** 2).mean():.4f} ensemble {((each.mean(0) - yv) ** 2).mean():.4f} spread {each.std(0).mean():.4f} of variance {var:.3f}')
for k, net in enumerate(nets):
    net.load_state_dict({n: p[k].detach() for n, p in params.items()})
with torch.no_grad(): print('unstacked first member', nn.functional.mse_loss(nets[0](Xv), yv).item())
