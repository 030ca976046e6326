"""Two-layer network written with plain tensors: parameters in a dict, momentum by hand."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.manual_seed(20)


def init(n_in, n_hidden, n_out):
    shapes = {"w1": (n_in, n_hidden), "w2": (n_hidden, n_out)}
    p = {k: torch.randn(s) * (2.0 / s[0]) ** 0.5 for k, s in shapes.items()}
    p["b1"], p["b2"] = torch.zeros(n_hidden), torch.zeros(n_out)
    p["w2"] *= 0.3
    return {k: v.requires_grad_() for k, v in p.items()}


def net(p, x):
    return torch.relu(x @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"]


def update(p, velocity, grads, lr, momentum):
    with torch.no_grad():
        for (k, v), g in zip(p.items(), grads):
            velocity[k].mul_(momentum).add_(g)
            v.sub_(lr * velocity[k])


d = load_digits()
x_tr, x_va, y_tr, y_va = train_test_split(d.data / 16, d.target, test_size=0.25, stratify=d.target, random_state=20)
x_tr, x_va = torch.tensor(x_tr).float(), torch.tensor(x_va).float()
y_tr, y_va = torch.tensor(y_tr), torch.tensor(y_va)
params = init(64, 64, 10)
velocity = {k: torch.zeros_like(v) for k, v in params.items()}
for epoch in range(9):
    tot = 0.0
    for idx in torch.randperm(len(x_tr)).split(64):
        loss = F.cross_entropy(net(params, x_tr[idx]), y_tr[idx])
        grads = torch.autograd.grad(loss, list(params.values()))
        update(params, velocity, grads, lr=0.03, momentum=0.9)
        tot += loss.item() * len(idx)
    with torch.no_grad():
        out = net(params, x_va)
        val = F.cross_entropy(out, y_va).item()
        acc = (out.argmax(1) == y_va).float().mean().item()
    print(f"epoch {epoch} train {tot / len(x_tr):.4f} val {val:.4f} acc {acc:.3f}")
