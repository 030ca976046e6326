import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(8)


def signals(n):
    """audio-like: a sum of two damped tones on 64 samples"""
    t = torch.linspace(0, 1, 64)
    f = torch.randint(2, 7, (n, 2, 1)).float()
    a = torch.rand(n, 2, 1) * 0.5 + 0.3
    ph = torch.randint(0, 4, (n, 2, 1)) * (torch.pi / 2)
    x = (a * torch.sin(2 * torch.pi * f * t + ph)).sum(1) * torch.exp(-1.0 * t)
    return x.unsqueeze(1)


class EMAQuantizer(nn.Module):
    def __init__(self, k=64, d=16, decay=0.98):
        super().__init__()
        self.decay = decay
        self.register_buffer("code", torch.randn(k, d))
        self.register_buffer("count", torch.ones(k))
        self.register_buffer("total", self.code.clone())
        self.register_buffer("started", torch.tensor(False))

    def forward(self, z):
        flat = z.permute(0, 2, 1).reshape(-1, z.shape[1])
        if self.training and not self.started:
            pick = torch.randperm(len(flat))[:len(self.code)]
            self.code.copy_(flat[pick].detach()); self.total.copy_(self.code); self.started.fill_(True)
        idx = torch.cdist(flat.detach(), self.code).argmin(1)
        q = self.code[idx]
        if self.training:
            with torch.no_grad():
                oh = F.one_hot(idx, len(self.code)).float()
                self.count.lerp_(oh.sum(0), 1 - self.decay)
                self.total.lerp_(oh.t() @ flat, 1 - self.decay)
                n = self.count.sum()
                c = (self.count + 1e-3) / (n + 1e-3 * len(self.code)) * n
                self.code.copy_(self.total / c[:, None])
                dead = self.count < 0.05
                if dead.any():
                    r = flat[torch.randint(len(flat), (int(dead.sum()),))]
                    self.code[dead], self.total[dead], self.count[dead] = r, r, 1.0
        commit = F.mse_loss(flat, q)
        q = q.view(z.shape[0], z.shape[2], -1).permute(0, 2, 1)
        return z + (q - z).detach(), commit, idx


class VQVAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Sequential(nn.Conv1d(1, 32, 4, 2, 1), nn.ELU(), nn.Conv1d(32, 32, 4, 2, 1), nn.ELU(), nn.Conv1d(32, 16, 3, 1, 1))
        self.vq = EMAQuantizer()
        self.dec = nn.Sequential(nn.Conv1d(16, 32, 3, 1, 1), nn.ELU(), nn.ConvTranspose1d(32, 32, 4, 2, 1), nn.ELU(), nn.ConvTranspose1d(32, 1, 4, 2, 1))

    def forward(self, x):
        q, commit, idx = self.vq(self.enc(x))
        return self.dec(q), commit, idx


train, test = signals(3000), signals(500)
model = VQVAE()
opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0)
print("test variance", test.var().item())
for ep in range(10):
    model.train()
    for g in opt.param_groups:
        g["lr"] = 2e-3 * (1 - ep / 12)
    tot = 0.
    for idx in torch.randperm(len(train)).split(100):
        x = train[idx]
        rec, commit, _ = model(x)
        mse = F.mse_loss(rec, x)
        loss = mse + 0.25 * commit
        opt.zero_grad(); loss.backward(); opt.step()
        tot += mse.item() * len(idx)
    model.eval()
    with torch.no_grad():
        rec, commit, idx = model(test)
    p = torch.bincount(idx, minlength=64).float(); p = p / p.sum()
    print(f"{ep} train mse {tot / len(train):.4f} test mse {F.mse_loss(rec, test).item():.4f} perplexity {torch.exp(-(p * (p + 1e-9).log()).sum()).item():.1f}")
