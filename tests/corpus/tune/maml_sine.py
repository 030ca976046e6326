import torch
from torch import nn
from torch.func import functional_call, grad, vmap

torch.manual_seed(1)
net = nn.Sequential(nn.Linear(1, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
meta = {k: v.detach().clone().requires_grad_() for k, v in net.named_parameters()}
alpha = torch.tensor(0.05, requires_grad=True)


def tasks(n, gen=None):
    amp = torch.rand(n, 1, 1, generator=gen) * 1.5 + 0.5
    ph = torch.rand(n, 1, 1, generator=gen) * torch.pi
    xs = torch.rand(n, 10, 1, generator=gen) * 6 - 3
    xq = torch.rand(n, 15, 1, generator=gen) * 6 - 3
    f = lambda x: amp * torch.sin(1.5 * x + ph)
    return xs, f(xs), xq, f(xq)


def mse(params, x, y):
    return ((functional_call(net, params, (x,)) - y) ** 2).mean()


def adapt(params, lr, xs, ys, k=2):
    for _ in range(k):
        g = grad(mse)(params, xs, ys)
        params = {n: p - lr * g[n] for n, p in params.items()}
    return params


def task_loss(params, lr, xs, ys, xq, yq):
    return mse(adapt(params, lr, xs, ys), xq, yq)


batched = vmap(task_loss, in_dims=(None, None, 0, 0, 0, 0))
opt = torch.optim.Adam([{"params": list(meta.values()), "lr": 3e-3}, {"params": [alpha], "lr": 1e-3}])
held = tasks(200, torch.Generator().manual_seed(77))

before_any = None
for it in range(1, 501):
    loss = batched(meta, alpha, *tasks(16)).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if it == 1 or it % 100 == 0:
        with torch.no_grad():
            fixed = {k: v.detach() for k, v in meta.items()}
            post = batched(fixed, alpha.detach(), *held).mean().item()
            pre = vmap(mse, in_dims=(None, 0, 0))(fixed, held[2], held[3]).mean().item()
        print(f"{it:4d} meta-train {loss.item():.3f}  held-out tasks: before {pre:.3f} after {post:.3f}  inner lr {alpha.item():.3f}")
print("variance of targets", held[3].var().item())
