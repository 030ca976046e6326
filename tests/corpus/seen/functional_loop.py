"""Pure functions and a dictionary of tensors; momentum by hand, gradients from torch.func."""
import torch
import torch.nn.functional as F
from torch.func import grad_and_value


def init(key, sizes):
    params = {}
    for i, (m, n) in enumerate(zip(sizes[:-1], sizes[1:])):
        params[f"w{i}"] = torch.randn(m, n, generator=key) * (2 / m) ** 0.5
        params[f"b{i}"] = torch.zeros(n)
    return params


def apply(params, x):
    depth = len(params) // 2
    for i in range(depth):
        x = x @ params[f"w{i}"] + params[f"b{i}"]
        if i < depth - 1:
            x = F.relu(x)
    return x


def loss_fn(params, x, y):
    return F.cross_entropy(apply(params, x), y)


def update(params, velocity, x, y, lr=0.05, beta=0.9):
    grads, loss = grad_and_value(loss_fn)(params, x, y)
    velocity = {k: beta * velocity[k] + grads[k] for k in params}
    params = {k: params[k] - lr * velocity[k] for k in params}
    return params, velocity, loss


def make_data(key, n):
    x = torch.randn(n, 2, generator=key)
    return x, (x[:, 0] ** 2 + 0.7 * x[:, 1] > 0.7).long() + (x[:, 1] > 1).long()


if __name__ == "__main__":
    key = torch.Generator().manual_seed(2025)
    x_train, y_train = make_data(key, 2500)
    x_test, y_test = make_data(key, 600)
    params = init(key, [2, 48, 3])
    velocity = {k: torch.zeros_like(v) for k, v in params.items()}
    for epoch in range(8):
        for idx in torch.randperm(2500, generator=key).split(50):
            params, velocity, loss = update(params, velocity, x_train[idx], y_train[idx])
        accuracy = (apply(params, x_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch + 1}: loss {loss.item():.3f}, test accuracy {accuracy:.3f}")
