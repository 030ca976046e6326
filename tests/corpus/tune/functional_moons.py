"""Two-layer net with bare tensors and hand-made momentum SGD."""
import torch
from sklearn.datasets import make_moons


def init(sizes, g):
    params = []
    for a, b in zip(sizes[:-1], sizes[1:]):
        params.append((torch.randn(a, b, generator=g) * (2 / a) ** 0.5).requires_grad_())
        params.append(torch.zeros(b, requires_grad=True))
    return params


def forward(params, x):
    for i in range(0, len(params) - 2, 2):
        x = torch.relu(x @ params[i] + params[i + 1])
    return (x @ params[-2] + params[-1]).squeeze(1)


def bce(z, y):
    return (torch.clamp(z, min=0) - z * y + torch.log1p(torch.exp(-z.abs()))).mean()


def main():
    g = torch.Generator().manual_seed(0)
    X, y = make_moons(2000, noise=0.15, random_state=0)
    X = torch.tensor(X, dtype=torch.float32)
    y = torch.tensor(y, dtype=torch.float32)
    mu, sd = X[:1500].mean(0), X[:1500].std(0)
    X = (X - mu) / sd
    xt, yt, xv, yv = X[:1500], y[:1500], X[1500:], y[1500:]
    params = init([2, 32, 32, 1], g)
    velocity = [torch.zeros_like(p) for p in params]
    lr, mom = 0.02, 0.9
    for step in range(1, 601):
        idx = torch.randint(0, len(xt), (50,), generator=g)
        loss = bce(forward(params, xt[idx]), yt[idx])
        loss.backward()
        with torch.no_grad():
            for p, v in zip(params, velocity):
                v.mul_(mom).add_(p.grad)
                p -= lr * v
                p.grad = None
        if step % 100 == 0:
            with torch.no_grad():
                z = forward(params, xv)
                acc = ((z > 0).float() == yv).float().mean().item()
            print(f"step {step} loss {loss.item():.4f} val loss {bce(z, yv).item():.4f} val acc {acc:.3f}")


if __name__ == "__main__":
    main()
