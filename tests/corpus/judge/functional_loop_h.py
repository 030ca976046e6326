# Training without optimizer objects: parameters in a dict, torch.func gradients, momentum SGD by hand (course on autodiff).
import math
import torch
from torch.func import functional_call, grad_and_value
from sklearn.datasets import make_friedman1

torch.manual_seed(60)
X, y = make_friedman1(n_samples=2500, n_features=8, noise=0.8, random_state=60)
X = torch.tensor(X, dtype=torch.float32) * 2 - 1
y = torch.tensor(y, dtype=torch.float32)
train_x, val_x, train_y, val_y = X[:2000], X[2000:], y[:2000], y[2000:]
center, scale = train_y.mean(), train_y.std()
train_y, val_y = (train_y - center) / scale, (val_y - center) / scale

model = torch.nn.Sequential(torch.nn.Linear(8, 64), torch.nn.Tanh(), torch.nn.Linear(64, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1))
params = {k: v.detach().clone() for k, v in model.named_parameters()}


def loss_fn(p, x, t):
    out = functional_call(model, p, (x,)).squeeze(1)
    return ((out - t) ** 2).mean()


step_fn = grad_and_value(loss_fn)
velocity = {k: torch.zeros_like(v) for k, v in params.items()}


def update(p, vel, g, lr, momentum=0.9):
    for k in p:
        vel[k] = momentum * vel[k] + g[k]
    return {k: p[k] - lr * vel[k] for k in p}


def linear_baseline():
    a = torch.cat([train_x, torch.ones(len(train_x), 1)], 1)
    w = torch.linalg.lstsq(a, train_y[:, None]).solution
    return ((torch.cat([val_x, torch.ones(len(val_x), 1)], 1) @ w).squeeze(1) - val_y).pow(2).mean().item()


print("linear least squares", linear_baseline())
EPOCHS, BATCH = 26, 50
n_steps = EPOCHS * len(train_x) // BATCH
step = 0
for epoch in range(EPOCHS):
    perm = torch.randperm(len(train_x))
    total = 0.0
    for i in range(0, len(perm), BATCH):
        idx = perm[i:i + BATCH]
        lr = 0.03 * 0.5 * (1 + math.cos(math.pi * step / n_steps))
        g, value = step_fn(params, train_x[idx], train_y[idx])
        params = update(params, velocity, g, lr)
        total += value.item()
        step += 1
    if epoch % 5 == 4 or epoch == 0:
        with torch.no_grad():
            v = loss_fn(params, val_x, val_y).item()
        print(f"epoch {epoch + 1} train {total * BATCH / len(perm):.4f} val {v:.4f} lr {lr:.4f}")
model.load_state_dict(params)
with torch.no_grad():
    print("written back, val:", (model(val_x).squeeze(1) - val_y).pow(2).mean().item())
