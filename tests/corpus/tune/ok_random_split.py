import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

from torch.utils.data import random_split

w = torch.randn(6)
X = torch.randn(500, 6)
y = (X @ w > 0).float()
data = TensorDataset(X, y)
train_part, test_part = random_split(data, [400, 100])


def run(net, loader, opt=None):
    net.train(opt is not None)
    total = 0.0
    with torch.set_grad_enabled(opt is not None):
        for a, b in loader:
            loss = F.binary_cross_entropy_with_logits(net(a).squeeze(1), b)
            if opt is not None:
                opt.zero_grad()
                loss.backward()
                opt.step()
            total += loss.item() * len(a)
    return total / len(loader.dataset)


net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 1))
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
train_loader = DataLoader(train_part, batch_size=40, shuffle=True)
test_loader = DataLoader(test_part, batch_size=50)
for epoch in range(6):
    print(run(net, train_loader, opt), run(net, test_loader))
