import torch
from torch import nn
from torch.utils.data import Dataset, DataLoader
class Points(Dataset):
    def __init__(self, n, seed): g = torch.Generator().manual_seed(seed); self.c = torch.randint(3, 21, (n, 2), generator=g); self.noise = torch.rand(n, 1, 24, 24, generator=g) * 0.3
    def __len__(self): return len(self.c)
    def __getitem__(self, i):
        yy, xx = torch.meshgrid(torch.arange(24), torch.arange(24), indexing="ij"); r = (yy - self.c[i, 0]) ** 2 + (xx - self.c[i, 1]) ** 2
        return self.noise[i] + (r < 5)[None].float(), torch.exp(-r / 8.0)[None]
torch.manual_seed(0); net = nn.Sequential(nn.Conv2d(1, 12, 5, padding=2), nn.ReLU(), nn.Conv2d(12, 12, 5, padding=2), nn.ReLU(), nn.Conv2d(12, 1, 1)); opt = torch.optim.Adam(net.parameters(), 2e-3)
tr, va = DataLoader(Points(320, 0), 32, shuffle=True), DataLoader(Points(64, 1), 64)
for ep in range(6):
    net.train()
    for x, h in tr: loss = nn.functional.mse_loss(net(x), h); opt.zero_grad(); loss.backward(); opt.step()
    net.eval()
    with torch.no_grad(): print(ep, loss.item(), sum(nn.functional.mse_loss(net(x), h).item() for x, h in va))
