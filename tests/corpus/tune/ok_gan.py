import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

real = torch.randn(512, 2) * 0.3 + torch.tensor([1.0, -1.0])
G = nn.Sequential(nn.Linear(4, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2))
D = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Dropout(0.2), nn.Linear(32, 1))
og = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
od = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
bce = nn.BCEWithLogitsLoss()
for step in range(80):
    batch = real[torch.randint(0, 512, (64,))]
    z = torch.randn(64, 4)
    od.zero_grad()
    with torch.no_grad():
        fake = G(z)
    bce(D(batch), torch.ones(64, 1)).backward()
    bce(D(fake), torch.zeros(64, 1)).backward()
    od.step()
    og.zero_grad()
    loss = bce(D(G(z)), torch.ones(64, 1))
    loss.backward()
    og.step()
print(loss.item())
