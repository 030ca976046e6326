import torch, torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


def scenes(n):
    img, mask = 0.3 * torch.randn(n, 1, 16, 16), torch.zeros(n, 16, 16, dtype=torch.long)
    for i in range(n):
        r, c = torch.randint(0, 12, (2,)).tolist()
        img[i, 0, r : r + 3, c : c + 3] += 1.5
        mask[i, r : r + 3, c : c + 3] = 1
    return TensorDataset(img, mask)


net = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 2, 1)
)
opt = torch.optim.Adam(net.parameters(), 5e-3)
crit = nn.CrossEntropyLoss()
train, val = DataLoader(scenes(200), 20, shuffle=True), DataLoader(scenes(60), 30)
for e in range(6):
    net.train()
    for x, y in train:
        opt.zero_grad()
        l = crit(net(x), y)
        l.backward()
        opt.step()
    net.eval()
    inter = union = 0
    with torch.no_grad():
        for x, y in val:
            p = net(x).argmax(1)
            inter += ((p == 1) & (y == 1)).sum().item()
            union += ((p == 1) | (y == 1)).sum().item()
    print(e, l.item(), inter / max(1, union))
