import torch, torch.nn as nn

torch.manual_seed(0)
N = 300
y = torch.arange(N) % 3
A = (torch.rand(N, N) < torch.where(y[:, None] == y[None], 0.06, 0.01)).float()
A = ((A + A.T + torch.eye(N)) > 0).float()
A = A / A.sum(1, keepdim=True)
X = torch.eye(3)[y] + 1.0 * torch.randn(N, 3)
train_mask = torch.rand(N) < 0.3
test_mask = ~train_mask


class GCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.d = nn.Linear(3, 16), nn.Linear(16, 3), nn.Dropout(0.3)

    def forward(self, x):
        return A @ self.b(self.d(torch.relu(A @ self.a(x))))


m = GCN()
o = torch.optim.Adam(m.parameters(), 1e-2, weight_decay=5e-4)
for e in range(60):
    m.train()
    o.zero_grad()
    l = nn.functional.cross_entropy(m(X)[train_mask], y[train_mask])
    l.backward()
    o.step()
    if e % 20 == 19:
        m.eval()
        with torch.no_grad():
            print(e, (m(X)[test_mask].argmax(1) == y[test_mask]).float().mean().item())
