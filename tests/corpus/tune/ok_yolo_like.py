import torch
from torch import nn
from torch.utils.data import Dataset, DataLoader
class Boxes(Dataset):
    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed); self.items = []
        for _ in range(n):
            img = torch.rand(1, 32, 32, generator=g) * 0.2; s = int(torch.randint(5, 12, (1,), generator=g))
            x, y = (int(v) for v in torch.randint(0, 32 - s, (2,), generator=g)); c = int(torch.randint(0, 2, (1,), generator=g))
            if c: img[:, y:y+s, x:x+s] = 1
            else: img[:, y:y+s, x] = img[:, y:y+s, x+s-1] = img[:, y, x:x+s] = img[:, y+s-1, x:x+s] = 1
            self.items.append((img, torch.tensor([(x + s / 2) / 32, (y + s / 2) / 32, s / 32]), c))
    def __len__(self): return len(self.items)
    def __getitem__(self, i): return self.items[i]
class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        def block(i, o): return nn.Sequential(nn.Conv2d(i, o, 3, 2, 1, bias=False), nn.BatchNorm2d(o), nn.LeakyReLU(0.1))
        self.backbone = nn.Sequential(block(1, 16), block(16, 32), block(32, 64)); self.neck = nn.Flatten()
        self.box = nn.Linear(64 * 16, 3); self.cls = nn.Linear(64 * 16, 1); self.obj = nn.Conv2d(64, 1, 1)
    def forward(self, x):
        f = self.backbone(x); h = self.neck(f)
        return self.box(h).sigmoid(), self.cls(h), self.obj(f).flatten(1)
torch.manual_seed(0)
tr, va = DataLoader(Boxes(600, 1), 32, shuffle=True), DataLoader(Boxes(150, 2), 50)
net = Detector(); opt = torch.optim.Adam(net.parameters(), 1e-3); bce = nn.BCEWithLogitsLoss()
for ep in range(4):
    net.train()
    for img, box, c in tr:
        b, s, o = net(img)
        cell = (box[:, 1] * 4).long().clamp(0, 3) * 4 + (box[:, 0] * 4).long().clamp(0, 3)
        target = torch.zeros_like(o).scatter_(1, cell[:, None], 1.0)
        loss = 5 * nn.functional.smooth_l1_loss(b, box) + bce(s.squeeze(-1), c.float()) + bce(o, target)
        opt.zero_grad(); loss.backward(); opt.step()
    net.eval()
    with torch.no_grad():
        print(ep, sum(((net(i)[1].squeeze(-1) > 0) == c).sum().item() for i, _, c in va) / 150)
