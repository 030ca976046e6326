"""A two-layer network written with plain tensors and hand-made momentum updates."""
import math

import torch

torch.manual_seed(77)


def spirals(n, seed):
    g = torch.Generator().manual_seed(seed)
    label = torch.randint(0, 3, (n,), generator=g)
    r = torch.rand(n, generator=g)
    a = 3.0 * r + label * 2 * math.pi / 3 + 0.15 * torch.randn(n, generator=g)
    return 1.7 * torch.stack([r * a.cos(), r * a.sin()], 1), label


def init(*sizes):
    params = []
    for i, o in zip(sizes, sizes[1:]):
        params.append((torch.randn(i, o) * math.sqrt(2 / i)).requires_grad_())
        params.append(torch.zeros(o, requires_grad=True))
    return params


def network(params, x):
    w1, b1, w2, b2 = params
    return torch.relu(x @ w1 + b1) @ w2 + b2


def nll(logits, label):
    logp = logits - logits.logsumexp(1, keepdim=True)
    return -logp[torch.arange(len(label)), label].mean()


x, y = spirals(1500, 0)
xv, yv = spirals(600, 1)
params = init(2, 64, 3)
speed = [torch.zeros_like(p) for p in params]
lr, momentum = 0.1, 0.9

for epoch in range(20):
    for idx in torch.randperm(len(x)).split(50):
        loss = nll(network(params, x[idx]), y[idx])
        grads = torch.autograd.grad(loss, params)
        with torch.no_grad():
            for p, v, g in zip(params, speed, grads):
                v.mul_(momentum).add_(g)
                p.sub_(lr * v)
    if epoch % 4 == 3:
        with torch.no_grad():
            out = network(params, xv)
            print(f"epoch {epoch + 1}: val loss {nll(out, yv).item():.4f} acc {(out.argmax(1) == yv).float().mean().item():.3f}")
