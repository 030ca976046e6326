"""Wide rectified layer with an L1 penalty: few units speak for each input, yet all of them take part."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def topics(n, gen, d=40, parts=12):
    """Inputs are signed sums of a few parts; the class is the strongest part modulo four."""
    base = torch.Generator().manual_seed(0)
    dictionary = F.normalize(torch.randn(parts, d, generator=base), dim=1)
    weight = torch.rand(n, parts, generator=gen) * (torch.rand(n, parts, generator=gen) < 0.2)
    strongest = torch.randint(0, parts, (n,), generator=gen)
    weight[torch.arange(n), strongest] = 1.2 + 0.5 * torch.rand(n, generator=gen)
    weight *= torch.randint(0, 2, (n, parts), generator=gen) * 2 - 1
    return 3 * weight @ dictionary + 0.15 * torch.randn(n, d, generator=gen), strongest % 4


class SparseNet(nn.Module):
    def __init__(self, d=40, width=192, classes=4):
        super().__init__()
        self.code = nn.Linear(d, width)
        self.out = nn.Linear(width, classes)
        nn.init.constant_(self.code.bias, -0.7)

    def forward(self, x):
        z = F.relu(self.code(x))
        return self.out(z), z


torch.manual_seed(55)
gen = torch.Generator().manual_seed(1)
train = TensorDataset(*topics(3000, gen))
x_test, y_test = topics(600, gen)
loader = DataLoader(train, batch_size=75, shuffle=True)
net = SparseNet()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)

for epoch in range(7):
    net.train()
    for x, y in loader:
        logits, z = net(x)
        loss = F.cross_entropy(logits, y) + 1e-3 * z.sum(1).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        logits, z = net(x_test)
        acc = (logits.argmax(1) == y_test).float().mean().item()
        zeros = (z == 0).float().mean().item()
        alive = (z > 0).any(0).float().mean().item()
    print(f"epoch {epoch + 1}: loss {loss.item():.3f} test acc {acc:.3f} zeros {zeros:.2f} units in use {alive:.2f}")
