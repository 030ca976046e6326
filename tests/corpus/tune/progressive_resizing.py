"""Shapes at 12, then 18, then 24 pixels: one network, three phases."""
import math, torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(4)
def draw(n, size, gen):
    a = torch.linspace(-1, 1, size); yy, xx = torch.meshgrid(a, a, indexing='ij')
    k = torch.randint(0, 4, (n,), generator=gen); u = lambda lo, hi: (torch.rand(n, 1, 1, generator=gen) * (hi - lo) + lo)
    x, y, r = xx - u(-.3, .3), yy - u(-.3, .3), u(.35, .6)
    disc = (x ** 2 + y ** 2 < r ** 2); ring = disc & (x ** 2 + y ** 2 > (.55 * r) ** 2)
    box = (x.abs() < .85 * r) & (y.abs() < .85 * r); cross = ((x.abs() < .3 * r) | (y.abs() < .3 * r)) & (x.abs() < r) & (y.abs() < r)
    m = torch.stack([disc, ring, box, cross], 1)[torch.arange(n), k].float()
    return (m * u(.6, 1.) + .15 * torch.randn(n, size, size, generator=gen))[:, None], k
class Net(nn.Module):
    def __init__(self):
        super().__init__(); w = [1, 16, 24, 32]
        self.blocks = nn.ModuleList(nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o, momentum=.3), nn.ReLU()) for i, o in zip(w, w[1:]))
        self.head = nn.Linear(32, 4)
    def forward(self, x):
        for i, b in enumerate(self.blocks): x = b(x); x = F.max_pool2d(x, 2) if i < 2 else x
        return self.head(x.mean((2, 3)))
net, g = Net(), torch.Generator().manual_seed(40)
full, yfull = draw(1000, 24, g); test, ytest = draw(500, 24, g)
step = 0
for phase, (size, epochs, lr) in enumerate([(12, 4, 4e-3), (18, 3, 3e-3), (24, 6, 3e-3)]):
    data = F.interpolate(full, size=size, mode='bilinear', antialias=True, align_corners=False) if size < 24 else full
    small = F.interpolate(test, size=size, mode='bilinear', antialias=True, align_corners=False) if size < 24 else test
    opt = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=1e-2)
    sch = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs, lr / 20)
    for ep in range(epochs):
        net.train(); s = 0
        for b in torch.randperm(len(data)).split(50):
            loss = F.cross_entropy(net(data[b]), yfull[b]); opt.zero_grad(); loss.backward(); opt.step(); s += loss.item() * len(b) / len(data); step += 1
        sch.step(); net.eval()
        with torch.no_grad(): o = net(small); l = F.cross_entropy(o, ytest).item()
        print(f'{size:2d}px epoch {ep} train {s:.3f} test {l:.3f} acc {(o.argmax(1) == ytest).float().mean():.3f}')
print(step, 'steps')
