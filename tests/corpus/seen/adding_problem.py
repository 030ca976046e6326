"""The adding problem with an Elman network."""
import torch
from torch import nn

torch.manual_seed(14)


def adding(n, length=16):
    values = torch.rand(n, length)
    marks = torch.zeros(n, length)
    first = torch.randint(0, length // 2, (n,))
    second = torch.randint(length // 2, length, (n,))
    r = torch.arange(n)
    marks[r, first] = 1
    marks[r, second] = 1
    return torch.stack([values, marks], -1), (values * marks).sum(1)


class Elman(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.cell = nn.RNN(2, hidden, batch_first=True, nonlinearity="tanh")
        self.read = nn.Linear(hidden, 1)
        for name, p in self.cell.named_parameters():
            if "weight_hh" in name:
                nn.init.orthogonal_(p)

    def forward(self, x):
        _, h = self.cell(x)
        return self.read(h[-1]).squeeze(-1)


x_val, y_val = adding(500)
net = Elman()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for it in range(1, 601):
    net.train()
    x, y = adding(64)
    optimizer.zero_grad()
    loss = (net(x) - y).pow(2).mean()
    loss.backward()
    optimizer.step()
    gnorm = nn.utils.clip_grad_norm_(net.parameters(), max_norm=1.0)
    if it % 100 == 0:
        net.eval()
        with torch.no_grad():
            v = (net(x_val) - y_val).pow(2).mean().item()
        print(f"iter {it:4d}  mse {loss.item():.4f}  val {v:.4f}  |g| {gnorm:.2f}")
