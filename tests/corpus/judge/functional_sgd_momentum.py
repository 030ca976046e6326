"""Training without modules or optimizers: a dict of arrays, a loss function and its gradient."""
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from torch.func import grad_and_value


def init(sizes, gen):
    return [{"w": torch.randn(a, b, generator=gen) * (1 / a) ** 0.5, "b": torch.zeros(b)} for a, b in zip(sizes, sizes[1:])]


def forward(params, x):
    for layer in params[:-1]:
        x = torch.relu(x @ layer["w"] + layer["b"])
    last = params[-1]
    return x @ last["w"] + last["b"]


def loss_fn(params, x, y):
    logp = forward(params, x).log_softmax(-1)
    return -logp.gather(1, y[:, None]).mean()


def update(params, velocity, grads, lr=0.02, mu=0.9):
    new_p, new_v = [], []
    for p, v, g in zip(params, velocity, grads):
        nv = {k: mu * v[k] + g[k] for k in p}
        new_v.append(nv)
        new_p.append({k: p[k] - lr * nv[k] for k in p})
    return new_p, new_v


def main():
    gen = torch.Generator().manual_seed(2)
    X, y = load_breast_cancer(return_X_y=True)
    X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.3, stratify=y, random_state=2)
    mean, std = X_tr.mean(0), X_tr.std(0)
    X_tr, X_te = (torch.tensor((a - mean) / std, dtype=torch.float32) for a in (X_tr, X_te))
    y_tr, y_te = torch.tensor(y_tr), torch.tensor(y_te)
    params = init([30, 24, 2], gen)
    velocity = [{k: torch.zeros_like(t) for k, t in p.items()} for p in params]
    step = grad_and_value(loss_fn)
    for epoch in range(1, 9):
        total = 0.0
        for idx in torch.randperm(len(X_tr), generator=gen).split(32):
            grads, value = step(params, X_tr[idx], y_tr[idx])
            params, velocity = update(params, velocity, grads)
            total += value.item() * len(idx)
        with torch.no_grad():
            test = loss_fn(params, X_te, y_te).item()
            acc = (forward(params, X_te).argmax(1) == y_te).float().mean().item()
        print(f"epoch {epoch} train {total / len(X_tr):.4f} test {test:.4f} acc {acc:.3f}")


if __name__ == "__main__":
    main()
