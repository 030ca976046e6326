import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

x = torch.rand(300, 20)


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Linear(20, 16)
        self.m, self.s = nn.Linear(16, 3), nn.Linear(16, 3)
        self.d = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 20))

    def forward(self, x):
        h = torch.relu(self.e(x))
        m, s = self.m(h), self.s(h)
        return torch.sigmoid(self.d(m + torch.randn_like(s) * (s / 2).exp())), m, s


model = VAE()
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(4):
    for i in torch.randperm(260).split(26):
        r, m, s = model(x[i])
        loss = F.binary_cross_entropy(r, x[i], reduction="sum") - 0.5 * (1 + s - m**2 - s.exp()).sum()
        opt.zero_grad()
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        print(F.mse_loss(model(x[260:])[0], x[260:]).item())
    model.train()
