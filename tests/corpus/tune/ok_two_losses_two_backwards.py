import torch, torch.nn as nn

torch.manual_seed(0)
X = torch.randn(800, 6)
y1 = (X[:, 0] > 0).long()
y2 = (X[:, 1] + X[:, 2] > 0).long()
body = nn.Sequential(nn.Linear(6, 24), nn.ReLU())
h1, h2 = nn.Linear(24, 2), nn.Linear(24, 2)
opt = torch.optim.Adam([*body.parameters(), *h1.parameters(), *h2.parameters()], 5e-3)
for e in range(8):
    for i in torch.randperm(800).split(40):
        opt.zero_grad()
        z = body(X[i])
        nn.functional.cross_entropy(h1(z), y1[i]).backward(retain_graph=True)
        nn.functional.cross_entropy(h2(z), y2[i]).backward()
        opt.step()
print("done")
