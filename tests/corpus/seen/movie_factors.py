"""Matrix factorisation with biases for synthetic ratings."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

USERS, ITEMS, RANK = 150, 100, 4


def ratings(seed=3, n=9000):
    g = torch.Generator().manual_seed(seed)
    U, V = torch.randn(USERS, RANK, generator=g), torch.randn(ITEMS, RANK, generator=g)
    bu, bi = 0.4 * torch.randn(USERS, generator=g), 0.6 * torch.randn(ITEMS, generator=g)
    cells = torch.randperm(USERS * ITEMS, generator=g)[:n]
    u, i = cells // ITEMS, cells % ITEMS
    r = 3.5 + bu[u] + bi[i] + 0.4 * (U[u] * V[i]).sum(1) + 0.2 * torch.randn(n, generator=g)
    return u, i, r


class Factors(nn.Module):
    def __init__(self, mean, dim=6):
        super().__init__()
        self.user, self.item = nn.Embedding(USERS, dim), nn.Embedding(ITEMS, dim)
        self.user_bias, self.item_bias = nn.Embedding(USERS, 1), nn.Embedding(ITEMS, 1)
        for e in (self.user, self.item):
            nn.init.normal_(e.weight, std=0.1)
        for e in (self.user_bias, self.item_bias):
            nn.init.zeros_(e.weight)
        self.register_buffer("mean", mean)

    def forward(self, u, i):
        dot = (self.user(u) * self.item(i)).sum(1)
        return self.mean + dot + self.user_bias(u).squeeze(1) + self.item_bias(i).squeeze(1)


torch.manual_seed(3)
u, i, r = ratings()
train = TensorDataset(u[:7500], i[:7500], r[:7500])
model = Factors(r[:7500].mean())
opt = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.3)
for epoch in range(14):
    model.train()
    se = 0.0
    for bu, bi, br in DataLoader(train, batch_size=150, shuffle=True):
        loss = nn.functional.mse_loss(model(bu, bi), br)
        opt.zero_grad()
        loss.backward()
        opt.step()
        se += loss.item() * len(br)
    model.eval()
    with torch.no_grad():
        v = nn.functional.mse_loss(model(u[7500:], i[7500:]), r[7500:]).item()
    if epoch % 2:
        print(f"epoch {epoch + 1}: rmse train {(se / 7500) ** 0.5:.3f} held-out {v ** 0.5:.3f}")
