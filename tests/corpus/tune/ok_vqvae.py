import torch, torch.nn as nn, torch.nn.functional as F

torch.manual_seed(0)


class VQ(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))
        self.book = nn.Embedding(16, 4)
        self.d = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 10))

    def forward(self, x):
        z = self.e(x)
        k = torch.cdist(z, self.book.weight).argmin(1)
        q = self.book(k)
        loss = F.mse_loss(q, z.detach()) + 0.25 * F.mse_loss(z, q.detach())
        q = z + (q - z).detach()
        return self.d(q), loss


m = VQ()
opt = torch.optim.Adam(m.parameters(), 2e-3)
X = torch.randn(2000, 10)
for e in range(5):
    for b in X[torch.randperm(2000)].split(100):
        r, extra = m(b)
        l = F.mse_loss(r, b) + extra
        opt.zero_grad()
        l.backward()
        opt.step()
    print(e, l.item())
