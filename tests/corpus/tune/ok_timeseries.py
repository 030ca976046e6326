import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

t = torch.arange(0, 600) / 10
series = torch.sin(t) + 0.1 * torch.randn(600)
X = series.unfold(0, 20, 1)[:-1]
Y = series[20:]
loader = DataLoader(TensorDataset(X[:400], Y[:400]), batch_size=32)
model = nn.LSTM(1, 16, batch_first=True)
head = nn.Linear(16, 1)
opt = torch.optim.Adam([*model.parameters(), *head.parameters()], lr=1e-2)
for epoch in range(3):
    for a, b in loader:
        out, _ = model(a.unsqueeze(-1))
        loss = F.mse_loss(head(out[:, -1]).squeeze(-1), b)
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        out, _ = model(X[420:].unsqueeze(-1))
        print(F.mse_loss(head(out[:, -1]).squeeze(-1), Y[420:]).item())
