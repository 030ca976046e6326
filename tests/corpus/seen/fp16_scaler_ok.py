"""Mixed precision with loss scaling; the start scale is far too big on purpose, so the first steps are skipped."""
import torch
from torch import nn


def sine_mix(n, seed):
    g = torch.Generator().manual_seed(seed)
    x = torch.rand(n, 3, generator=g) * 2 - 1
    y = torch.sin(3 * x[:, :1]) * x[:, 1:2] + 0.5 * x[:, 2:] + 0.05 * torch.randn(n, 1, generator=g)
    return x, y / 0.55


torch.manual_seed(8)
x, y = sine_mix(2000, 1)
xv, yv = sine_mix(500, 2)
net = nn.Sequential(nn.Linear(3, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0 ** 20)
for epoch in range(8):
    net.train()
    for b in torch.randperm(2000).split(50):
        opt.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.float16):
            out = net(x[b])
        loss = nn.functional.mse_loss(out.float(), y[b])
        scaler.scale(loss).backward()
        scaler.unscale_(opt)
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        scaler.step(opt)
        scaler.update()
    net.eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.float16):
        v = nn.functional.mse_loss(net(xv).float(), yv).item()
    print(f"epoch {epoch} train {loss.item():.4f} valid {v:.4f} scale {scaler.get_scale():.0f}")
