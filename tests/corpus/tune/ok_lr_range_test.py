import torch, torch.nn as nn

torch.manual_seed(0)
X = torch.randn(2000, 10)
y = X[:, :3].argmax(1)
m = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3))
o = torch.optim.SGD(m.parameters(), 1e-5)
s = torch.optim.lr_scheduler.ExponentialLR(o, 1.12)
hist = []
for step in range(120):
    i = torch.randint(0, 2000, (64,))
    l = nn.functional.cross_entropy(m(X[i]), y[i])
    o.zero_grad()
    l.backward()
    o.step()
    hist.append((o.param_groups[0]["lr"], l.item()))
    s.step()
    if l.item() > 4 * hist[0][1]:
        break
print(min(hist, key=lambda h: h[1]))
