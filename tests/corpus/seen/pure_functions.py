"""Functional training: parameters in a dict, torch.func.grad, momentum by hand. No optimizer object anywhere."""
import torch
from sklearn.datasets import load_digits
from torch.func import functional_call, grad_and_value

torch.manual_seed(53)
digits = load_digits()
order = torch.randperm(1797)
inputs = (torch.tensor(digits.data) / 16).float()[order]
targets = torch.tensor(digits.target)[order]
xs, ys, xt, yt = inputs[:1500], targets[:1500], inputs[1500:], targets[1500:]

net = torch.nn.Sequential(torch.nn.Linear(64, 72), torch.nn.ReLU(), torch.nn.Linear(72, 10))
params = {k: v.detach().clone() for k, v in net.named_parameters()}
speed = {k: torch.zeros_like(v) for k, v in params.items()}


def objective(p, x, y):
    return torch.nn.functional.cross_entropy(functional_call(net, p, (x,)), y)


gradient = grad_and_value(objective)


def update(p, v, x, y, lr=0.05, mu=0.9):
    g, value = gradient(p, x, y)
    v = {k: mu * v[k] + g[k] for k in v}
    return {k: p[k] - lr * v[k] for k in p}, v, value


for epoch in range(10):
    total = 0.0
    for ids in torch.randperm(1500).split(50):
        params, speed, value = update(params, speed, xs[ids], ys[ids])
        total += value.item()
    with torch.no_grad():
        z = functional_call(net, params, (xt,))
    print(f"epoch {epoch}: loss {total / 30:.3f} test acc {(z.argmax(1) == yt).float().mean().item():.3f}")
