"""Ratings with biased matrix factorisation; SGD over (user, film, stars) triples."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(9)
rng = np.random.default_rng(9)
N_USERS, N_FILMS, RANK = 200, 120, 3

# --- simulate -------------------------------------------------------------
U, V = rng.normal(0, 1, (N_USERS, RANK)), rng.normal(0, 1, (N_FILMS, RANK))
bu, bv = rng.normal(0, 0.4, N_USERS), rng.normal(0, 0.6, N_FILMS)
full = 3.4 + bu[:, None] + bv[None] + 0.4 * U @ V.T + rng.normal(0, 0.35, (N_USERS, N_FILMS))
full = np.clip(np.round(full * 2) / 2, 0.5, 5)
seen = rng.random(full.shape) < 0.5
users, films = np.nonzero(seen)
stars = full[seen]
print(len(stars), "ratings, mean", stars.mean(), "sd", stars.std())

ds = TensorDataset(torch.from_numpy(users), torch.from_numpy(films), torch.from_numpy(stars).float())
n_val = len(ds) // 6
train_ds, val_ds = random_split(ds, [len(ds) - n_val, n_val], generator=torch.Generator().manual_seed(0))
train_dl = DataLoader(train_ds, 256, shuffle=True)
val_dl = DataLoader(val_ds, 2048)
mean_rating = ds.tensors[2][train_ds.indices].mean().item()


class MF(nn.Module):
    def __init__(self, n_u, n_f, k, mu):
        super().__init__()
        self.mu = mu
        self.u, self.f = nn.Embedding(n_u, k), nn.Embedding(n_f, k)
        self.ub, self.fb = nn.Embedding(n_u, 1), nn.Embedding(n_f, 1)
        for e in (self.u, self.f):
            nn.init.normal_(e.weight, std=0.15)
        for e in (self.ub, self.fb):
            nn.init.zeros_(e.weight)

    def forward(self, u, f):
        dot = (self.u(u) * self.f(f)).sum(1)
        return dot + self.ub(u).squeeze(1) + self.fb(f).squeeze(1) + self.mu


def rmse(model, dl):
    model.eval()
    se = n = 0
    with torch.no_grad():
        for u, f, r in dl:
            se += ((model(u, f) - r) ** 2).sum().item()
            n += len(r)
    return (se / n) ** 0.5


model = MF(N_USERS, N_FILMS, 4, mean_rating)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.1)
loss_fn = nn.MSELoss()
print("start rmse", rmse(model, val_dl))
best, best_state = 1e9, None
for epoch in range(14):
    model.train()
    tl = []
    for u, f, r in train_dl:
        pred = model(u, f)
        loss = loss_fn(pred, r)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        tl.append(loss.item())
    v = rmse(model, val_dl)
    if v < best:
        best = v
        best_state = {k: t.clone() for k, t in model.state_dict().items()}
    print(f"{epoch:2d} train mse {np.mean(tl):.4f} val mse {v ** 2:.4f}")
    if epoch == 9:
        for g in optimizer.param_groups:
            g["lr"] = 2e-3
model.load_state_dict(best_state)
print("final rmse", rmse(model, val_dl))


def recommend(user, k=5):
    with torch.no_grad():
        s = model(torch.full((N_FILMS,), user), torch.arange(N_FILMS))
    s[torch.from_numpy(np.flatnonzero(seen[user]))] = -1e9
    return s.topk(k).indices.tolist()


print(recommend(3), recommend(77))
