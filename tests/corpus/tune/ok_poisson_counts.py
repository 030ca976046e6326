import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split
torch.manual_seed(0)
x = torch.randn(1500, 6); y = torch.poisson((0.5 * x[:, 0] - 0.3 * x[:, 1] + 1).exp())
tr, va = random_split(TensorDataset(x, y), [1200, 300])
m = nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, 1)); crit = nn.PoissonNLLLoss(); opt = torch.optim.Adam(m.parameters(), 5e-3)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, patience=2)
for ep in range(12):
    m.train()
    for a, b in DataLoader(tr, 64, shuffle=True):
        loss = crit(m(a).squeeze(1), b); opt.zero_grad(); loss.backward(); opt.step()
    m.eval()
    with torch.no_grad(): v = sum(crit(m(a).squeeze(1), b).item() * len(b) for a, b in DataLoader(va, 100)) / 300
    plateau.step(v); print(ep, v)
