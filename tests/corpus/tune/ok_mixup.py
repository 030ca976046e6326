import numpy as np
import torch, torch.nn as nn, torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(1); np.random.seed(1)
c = torch.randn(5, 20)
y = torch.randint(0, 5, (1200,)); x = c[y] + torch.randn(1200, 20)
train, test = DataLoader(TensorDataset(x[:900], y[:900]), 45, shuffle=True), DataLoader(TensorDataset(x[900:], y[900:]), 100)
model = nn.Sequential(nn.Linear(20, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 5))
opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
sched = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=3)
def mixup_data(x, y, alpha=0.4):
    lam = np.random.beta(alpha, alpha); index = torch.randperm(x.size(0))
    return lam * x + (1 - lam) * x[index], y, y[index], lam
for epoch in range(9):
    model.train()
    for i, (xb, yb) in enumerate(train):
        mixed, ya, yb2, lam = mixup_data(xb, yb)
        out = model(mixed)
        loss = lam * F.cross_entropy(out, ya) + (1 - lam) * F.cross_entropy(out, yb2)
        opt.zero_grad(); loss.backward(); opt.step()
        sched.step(epoch + i / len(train))
    model.eval()
    with torch.no_grad(): acc = sum((model(a).argmax(1) == b).sum().item() for a, b in test) / 300
    print(epoch, loss.item(), acc)
