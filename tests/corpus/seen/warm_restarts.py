import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(27)
d = load_digits()
everything = TensorDataset(torch.tensor(d.data / 8.0 - 1.0, dtype=torch.float32), torch.tensor(d.target))
fit_part, check_part = random_split(everything, [0.8, 0.2], generator=torch.Generator().manual_seed(27))
fit_loader = DataLoader(fit_part, batch_size=60, shuffle=True)
check_loader = DataLoader(check_part, batch_size=400)


class Highway(nn.Module):
    def __init__(self, d=64, classes=10):
        super().__init__()
        self.carry, self.change = nn.Linear(d, d), nn.Linear(d, d)
        nn.init.constant_(self.carry.bias, -1.0)
        self.cls = nn.Linear(d, classes)

    def forward(self, x):
        gate = torch.sigmoid(self.carry(x))
        return self.cls(gate * torch.relu(self.change(x)) + (1 - gate) * x)


net = Highway()
opt = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4)
restarts = CosineAnnealingWarmRestarts(opt, T_0=2, T_mult=2)
for epoch in range(14):
    net.train()
    for k, (x, y) in enumerate(fit_loader):
        loss = nn.functional.cross_entropy(net(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        restarts.step(epoch + k / len(fit_loader))
    net.eval()
    with torch.no_grad():
        x, y = next(iter(check_loader))
        z = net(x)
        acc = (z.argmax(1) == y).float().mean().item()
    print(f"epoch {epoch:2d} lr {opt.param_groups[0]['lr']:.4f} check loss {nn.functional.cross_entropy(z, y).item():.3f} acc {acc:.3f}")
