import tempfile; import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset, DataLoader

rng = np.random.default_rng(0)
U, I = 200, 300
pu, qi = rng.normal(size=(U, 4)), rng.normal(size=(I, 4))
uu, ii = np.divmod(rng.choice(U * I, 8000, replace=False), I)
rating = np.clip(np.round(3 + (pu[uu] * qi[ii]).sum(1) * 0.5 + rng.normal(size=8000) * 0.3), 1, 5)


class Ratings(Dataset):
    def __init__(self, u, i, r):
        self.u, self.i, self.r = u, i, r

    def __len__(self):
        return len(self.u)

    def __getitem__(self, k):
        return {"user": self.u[k], "item": self.i[k], "rating": np.float32(self.r[k])}


class MF(nn.Module):
    def __init__(self, k=8):
        super().__init__()
        self.P, self.Q = nn.Embedding(U, k), nn.Embedding(I, k)
        self.bu, self.bi = nn.Embedding(U, 1), nn.Embedding(I, 1)
        self.mu = nn.Parameter(torch.tensor(3.0))
        for e in (self.P, self.Q):
            nn.init.normal_(e.weight, std=0.1)
        for e in (self.bu, self.bi):
            nn.init.zeros_(e.weight)

    def forward(self, user, item):
        return (self.P(user) * self.Q(item)).sum(-1) + self.bu(user).squeeze(-1) + self.bi(item).squeeze(-1) + self.mu


torch.manual_seed(0)
cut = 6500
train_dl = DataLoader(Ratings(uu[:cut], ii[:cut], rating[:cut]), 128, shuffle=True)
valid_dl = DataLoader(Ratings(uu[cut:], ii[cut:], rating[cut:]), 512)
net = MF()
opt = torch.optim.Adam(net.parameters(), lr=5e-3, weight_decay=1e-5)
crit = nn.MSELoss()
best = 1e9
for ep in range(8):
    net.train()
    for b in train_dl:
        pred = net(b["user"], b["item"])
        loss = crit(pred, b["rating"])
        opt.zero_grad(); loss.backward(); opt.step()
    net.eval()
    sq = n = 0
    with torch.inference_mode():
        for b in valid_dl:
            sq += (net(b["user"], b["item"]) - b["rating"]).pow(2).sum().item(); n += len(b["rating"])
    rmse = (sq / n) ** 0.5
    if rmse < best:
        best = rmse
        torch.save(net.state_dict(), tempfile.gettempdir() + "/mf.pt")
    print(ep, rmse)
