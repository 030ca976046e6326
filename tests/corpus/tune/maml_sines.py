import torch
from torch import nn
from torch.func import functional_call

torch.manual_seed(27)


def task():
    amp = torch.empty(1).uniform_(0.5, 2.0)
    phase = torch.empty(1).uniform_(0, 3.14)
    return lambda x: amp * torch.sin(x + phase)


net = nn.Sequential(nn.Linear(1, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
params = {k: v.detach().clone().requires_grad_() for k, v in net.named_parameters()}
velocity = {k: torch.zeros_like(v) for k, v in params.items()}
INNER_LR, OUTER_LR, BETA, TASKS, SHOTS = 0.1, 0.02, 0.9, 8, 10


def loss_on(p, x, y):
    return (functional_call(net, p, (x,)) - y).pow(2).mean()


def adapt(p, x, y, steps=1, create_graph=True):
    for _ in range(steps):
        grads = torch.autograd.grad(loss_on(p, x, y), list(p.values()), create_graph=create_graph)
        p = {k: v - INNER_LR * g for (k, v), g in zip(p.items(), grads)}
    return p


def episode(p, steps=1, create_graph=True):
    f = task()
    xs, xq = torch.rand(SHOTS, 1) * 8 - 4, torch.rand(30, 1) * 8 - 4
    return loss_on(adapt(p, xs, f(xs), steps, create_graph), xq, f(xq))


for it in range(1, 301):
    meta = torch.stack([episode(params) for _ in range(TASKS)]).mean()
    grads = torch.autograd.grad(meta, list(params.values()))
    norm = torch.stack([g.norm() for g in grads]).norm()
    factor = min(1.0, 5.0 / (norm.item() + 1e-6))
    with torch.no_grad():
        for (k, v), g in zip(params.items(), grads):
            velocity[k].mul_(BETA).add_(g * factor)
            v -= OUTER_LR * velocity[k]
    if it % 60 == 0:
        before = torch.stack([loss_on(params, x := torch.rand(30, 1) * 8 - 4, task()(x)).detach() for _ in range(20)]).mean()
        after = torch.stack([episode(params, 5, False).detach() for _ in range(20)]).mean()
        print(f"iteration {it} meta loss {meta.item():.3f} | before {before.item():.3f} after 5 steps {after.item():.3f}")
