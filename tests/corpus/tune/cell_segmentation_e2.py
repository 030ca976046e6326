import torch, torch.nn as nn, torch.nn.functional as F
from torch.utils.data import IterableDataset, DataLoader
torch.manual_seed(12)

def scene(g, size=32):
    """a few blobs on an uneven background"""
    a = torch.linspace(0, 1, size); yy, xx = torch.meshgrid(a, a, indexing="ij")
    m = torch.zeros(size, size, dtype=torch.bool)
    for _ in range(int(torch.randint(1, 4, (), generator=g))):
        cx, cy = (torch.rand(2, generator=g) * .7 + .15).tolist(); rx, ry = (torch.rand(2, generator=g) * .08 + .07).tolist()
        m |= ((xx - cx) / rx) ** 2 + ((yy - cy) / ry) ** 2 < 1
    s = torch.rand(2, generator=g) - .5
    return (.4 * m + .3 + .3 * (s[0] * xx + s[1] * yy) + .12 * torch.randn(size, size, generator=g))[None], m[None].float()

class Endless(IterableDataset):
    def __init__(self, n, seed): self.n, self.g = n, torch.Generator().manual_seed(seed)
    def __iter__(self):
        for _ in range(self.n): yield scene(self.g)

def block(i, o): return nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.InstanceNorm2d(o, affine=True), nn.LeakyReLU(.1))
class UNet(nn.Module):
    def __init__(self, c=10):
        super().__init__()
        self.d1, self.d2, self.mid = block(1, c), block(c, 2 * c), block(2 * c, 2 * c)
        self.u2, self.u1, self.out = block(4 * c, c), block(2 * c, c), nn.Conv2d(c, 1, 1)
    def forward(self, x):
        a = self.d1(x); b = self.d2(F.max_pool2d(a, 2)); m = self.mid(F.max_pool2d(b, 2))
        y = self.u2(torch.cat([F.interpolate(m, scale_factor=2.), b], 1))
        return self.out(self.u1(torch.cat([F.interpolate(y, scale_factor=2.), a], 1)))
def dice_loss(z, t):
    p = z.sigmoid(); return (1 - (2 * (p * t).sum((1, 2, 3)) + 1) / (p.sum((1, 2, 3)) + t.sum((1, 2, 3)) + 1)).mean()
def criterion(z, t): return F.binary_cross_entropy_with_logits(z, t) + dice_loss(z, t)

net = UNet(); opt = torch.optim.Adam(net.parameters(), lr=4e-3)
stream = DataLoader(Endless(320, 1), batch_size=16)
vx, vt = (torch.stack(t) for t in zip(*[scene(torch.Generator().manual_seed(10_000 + i)) for i in range(120)]))
for ep in range(7):
    net.train(); s = k = 0
    for x, t in stream:
        loss = criterion(net(x), t); opt.zero_grad(); loss.backward(); opt.step(); s += loss.item(); k += 1
    net.eval()
    with torch.no_grad():
        z = net(vx); hard = (z > 0).float(); iou = (hard * vt).sum() / ((hard + vt) > 0).float().sum()
    print(ep, f"train {s / k:.3f} valid {criterion(z, vt):.3f} IoU {iou:.3f} foreground {vt.mean():.3f}")
