"""bfloat16 autocast, cosine schedule and an exponential moving average of the weights."""
import copy

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(50)


class EMA:
    def __init__(self, model, decay):
        self.shadow, self.decay = copy.deepcopy(model).eval(), decay
        for p in self.shadow.parameters():
            p.requires_grad_(False)

    @torch.no_grad()
    def update(self, model):
        for s, p in zip(self.shadow.parameters(), model.parameters()):
            s.lerp_(p, 1 - self.decay)


def spirals(n):
    k = torch.randint(0, 3, (n,))
    r = torch.rand(n)
    a = 4 * r + k * 2 * torch.pi / 3 + 0.15 * torch.randn(n)
    return TensorDataset(torch.stack([r * a.cos(), r * a.sin()], 1) * 1.7, k)


train, val = DataLoader(spirals(2400), batch_size=60, shuffle=True), DataLoader(spirals(600), batch_size=300)
net = nn.Sequential(nn.Linear(2, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 3))
ema = EMA(net, 0.97)
epochs = 12
opt = torch.optim.AdamW(net.parameters(), lr=6e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=epochs * len(train))
for epoch in range(epochs):
    net.train()
    tot = 0.0
    for x, y in train:
        opt.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = F.cross_entropy(net(x), y)
        loss.backward()
        opt.step()
        sched.step()
        ema.update(net)
        tot += loss.item()
    with torch.no_grad():
        res = [(ema.shadow(x), y) for x, y in val]
    out, y = torch.cat([a for a, _ in res]), torch.cat([b for _, b in res])
    print(f"epoch {epoch:2d} train {tot / len(train):.4f} val {F.cross_entropy(out, y):.4f} acc {(out.argmax(1) == y).float().mean():.3f}")
