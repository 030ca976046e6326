import torch, torch.nn as nn

torch.manual_seed(0)


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(10, 32), nn.ReLU())
        self.cls, self.reg = nn.Linear(32, 3), nn.Linear(32, 1)

    def forward(self, x):
        h = self.body(x)
        return self.cls(h), self.reg(h).squeeze(-1)


X = torch.randn(1200, 10)
W = torch.randn(10, 3)
yc = (X @ W).argmax(1)
yr = X[:, :3].sum(1) / 1.7
net = Two()
opt = torch.optim.AdamW(net.parameters(), 3e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 10)
for e in range(10):
    for i in torch.randperm(1000).split(50):
        c, r = net(X[i])
        l = nn.functional.cross_entropy(c, yc[i]) + 0.5 * nn.functional.mse_loss(r, yr[i])
        opt.zero_grad()
        l.backward()
        opt.step()
    sched.step()
    with torch.no_grad():
        c, r = net(X[1000:])
        print(e, (c.argmax(1) == yc[1000:]).float().mean().item(), (r - yr[1000:]).pow(2).mean().item())
