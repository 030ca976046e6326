import torch, torch.nn as nn

torch.manual_seed(0)
body, head = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU()), nn.Linear(32, 3)
net = nn.Sequential(body, head)
X = torch.randn(600, 12)
y = X[:, :3].argmax(1)
for p in body.parameters():
    p.requires_grad_(False)
o = torch.optim.AdamW(head.parameters(), 5e-3)


def epoch():
    for i in torch.randperm(600).split(50):
        l = nn.functional.cross_entropy(net(X[i]), y[i])
        o.zero_grad()
        l.backward()
        o.step()
    return l.item()


for _ in range(3):
    print(epoch())
for p in body.parameters():
    p.requires_grad_(True)
o.add_param_group({"params": body.parameters(), "lr": 1e-3})
for _ in range(5):
    print(epoch())
