"""DP-SGD: per-sample gradients with vmap(grad), clip each one, add noise, write p.grad by hand."""
import torch
from torch import nn
from torch.func import functional_call, grad_and_value, vmap
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler
from sklearn.model_selection import train_test_split

torch.manual_seed(0)
d = load_breast_cancer()
a, b, ya, yb = train_test_split(d.data, d.target, test_size=0.3, random_state=1, stratify=d.target)
sc = StandardScaler().fit(a)
a, b = (torch.tensor(sc.transform(v), dtype=torch.float32).clamp(-4, 4) for v in (a, b))
ya, yb = torch.tensor(ya, dtype=torch.float32), torch.tensor(yb, dtype=torch.float32)

model = nn.Sequential(nn.Linear(30, 16), nn.Tanh(), nn.Linear(16, 1))
params = dict(model.named_parameters())


def sample_loss(p, x, t):
    z = functional_call(model, p, (x.unsqueeze(0),)).squeeze()
    return nn.functional.binary_cross_entropy_with_logits(z, t)


per_sample = vmap(grad_and_value(sample_loss), in_dims=(None, 0, 0))
opt = torch.optim.SGD(model.parameters(), lr=0.25, momentum=0.5)
C, SIGMA, Q = 0.7, 0.6, 0.16
g = torch.Generator().manual_seed(8)
for step in range(1, 81):
    mask = torch.rand(len(a), generator=g) < Q      # Poisson sampling
    x, t = a[mask], ya[mask]
    grads, losses = per_sample({k: v.detach() for k, v in params.items()}, x, t)
    norms = torch.stack([v.flatten(1).norm(dim=1) for v in grads.values()]).norm(dim=0)
    scale = (C / norms).clamp(max=1.0)
    for k, p in params.items():
        s = torch.einsum("n,n...->...", scale, grads[k])
        p.grad = (s + SIGMA * C * torch.randn(p.shape, generator=g)) / (Q * len(a))
    opt.step()
    opt.zero_grad()
    if step % 20 == 0:
        model.eval()
        with torch.no_grad():
            z = model(b).squeeze(1)
            tl = nn.functional.binary_cross_entropy_with_logits(model(a).squeeze(1), ya).item()
            v = nn.functional.binary_cross_entropy_with_logits(z, yb).item()
            acc = ((z > 0) == (yb > 0.5)).float().mean().item()
        model.train()
        print(f"{step} batch {mask.sum().item()} train {tl:.3f} test {v:.3f} acc {acc:.3f} clipped {(scale < 1).float().mean().item():.2f}")
