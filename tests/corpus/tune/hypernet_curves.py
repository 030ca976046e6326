import torch
import torch.nn as nn

torch.manual_seed(14)
H = 24
SIZES = [(H, 1), (H,), (1, H), (1,)]
NW = sum(torch.Size(s).numel() for s in SIZES)


class Hyper(nn.Module):
    """Reads (x, y) context pairs and emits the weights of a one-hidden-layer net."""
    def __init__(self):
        super().__init__()
        self.point = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 96), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, NW))
        self.base = nn.Parameter(torch.cat([torch.randn(H) * 2, torch.randn(H), torch.randn(H) * 0.1, torch.zeros(1)]))
        nn.init.normal_(self.head[-1].weight, std=0.05)
        nn.init.zeros_(self.head[-1].bias)

    def forward(self, ctx):
        return self.base + self.head(self.point(ctx).mean(1))


def target_net(w, x):
    a, b, c, d = w.split([H, H, H, 1], 1)
    h = torch.tanh(x * a[:, None, :] + b[:, None, :])
    return (h * c[:, None, :]).sum(-1, keepdim=True) + d[:, None, :]


def curves(n, g=None):
    c = torch.randn(n, 4, 1, generator=g) * torch.tensor([0.5, 0.8, 0.6, 0.5])[:, None]
    x = torch.rand(n, 50, 1, generator=g) * 2 - 1
    y = c[:, 0:1] + c[:, 1:2] * x + c[:, 2:3] * torch.sin(3 * x) + c[:, 3:4] * torch.cos(2 * x)
    return x, y + 0.05 * torch.randn(y.shape, generator=g)


hyper = Hyper()
opt = torch.optim.Adam(hyper.parameters(), lr=4e-3)
sched = torch.optim.lr_scheduler.MultiStepLR(opt, [700, 1000], 0.3)
vx, vy = curves(300, torch.Generator().manual_seed(3))
print("variance", vy.var().item())
acc = []
for step in range(1, 1201):
    x, y = curves(32)
    k = int(torch.randint(8, 25, ()))
    w = hyper(torch.cat([x[:, :k], y[:, :k]], -1))
    loss = ((target_net(w, x[:, k:]) - y[:, k:]) ** 2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    sched.step()
    acc.append(loss.item())
    if step % 300 == 0:
        hyper.eval()
        with torch.no_grad():
            w = hyper(torch.cat([vx[:, :20], vy[:, :20]], -1))
            v = ((target_net(w, vx[:, 20:]) - vy[:, 20:]) ** 2).mean().item()
        hyper.train()
        print(f"{step} train {sum(acc) / len(acc):.4f} held-out curves {v:.4f}")
        acc.clear()
