"""Match two noisy views of one latent vector (CLIP loss)."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)


class Pairs(Dataset):
    A = torch.randn(6, 20, generator=torch.Generator().manual_seed(1))
    B = torch.randn(6, 30, generator=torch.Generator().manual_seed(2))

    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        z = torch.randn(n, 6, generator=g)
        self.a = torch.tanh(z @ self.A / 2) + 0.1 * torch.randn(n, 20, generator=g)
        self.b = torch.sin(z @ self.B / 2) + 0.1 * torch.randn(n, 30, generator=g)

    def __len__(self):
        return len(self.a)

    def __getitem__(self, i):
        return self.a[i], self.b[i]


def tower(n_in, dim=16):
    return nn.Sequential(nn.Linear(n_in, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, dim))


class Clip(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right = tower(20), tower(30)
        self.log_scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, a, b):
        u = F.normalize(self.left(a), dim=-1)
        v = F.normalize(self.right(b), dim=-1)
        return self.log_scale.clamp(max=4.6).exp() * u @ v.T


def clip_loss(sim):
    target = torch.arange(len(sim))
    rows = -F.log_softmax(sim, dim=1)[target, target].mean()
    cols = -F.log_softmax(sim, dim=0)[target, target].mean()
    return (rows + cols) / 2


def recall_at_1(model, ds):
    model.eval()
    with torch.no_grad():
        sim = model(ds.a, ds.b)
    return (sim.argmax(1) == torch.arange(len(ds))).float().mean().item()


model = Clip()
train, test = Pairs(4000, 10), Pairs(200, 11)
loader = DataLoader(train, batch_size=64, shuffle=True, drop_last=True)
opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
epochs = 7
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=epochs * len(loader))
for epoch in range(epochs):
    model.train()
    tot = 0.0
    for a, b in loader:
        opt.zero_grad()
        loss = clip_loss(model(a, b))
        loss.backward()
        opt.step()
        sched.step()
        tot += loss.item()
    print(f"epoch {epoch + 1} loss {tot / len(loader):.3f} scale {model.log_scale.exp().item():.2f} R@1 of 200 {recall_at_1(model, test):.3f}")
