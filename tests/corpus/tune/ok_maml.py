import torch
from torch import nn
from torch.func import functional_call
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(1, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
meta = torch.optim.Adam(net.parameters(), lr=1e-3)
def task():
    a, p = torch.rand(1) * 4.9 + 0.1, torch.rand(1) * 3.14
    def draw(n):
        x = torch.rand(n, 1) * 10 - 5
        return x, a * torch.sin(x + p)
    return draw
for it in range(60):
    meta.zero_grad()
    total = 0.0
    for _ in range(4):
        t = task()
        xs, ys = t(10)
        fast = dict(net.named_parameters())
        loss = nn.functional.mse_loss(functional_call(net, fast, xs), ys)
        grads = torch.autograd.grad(loss, list(fast.values()), create_graph=True)
        fast = {k: v - 0.01 * g for (k, v), g in zip(fast.items(), grads)}
        xq, yq = t(10)
        q = nn.functional.mse_loss(functional_call(net, fast, xq), yq) / 4
        q.backward()
        total += q.item()
    meta.step()
    if it % 20 == 0: print(it, total)
