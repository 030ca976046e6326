import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(5)
D, P, KEEP = 48, 16, 8


def patchify(img):
    return img.unfold(1, 2, 2).unfold(2, 2, 2).reshape(len(img), P, 4)


class MAE(nn.Module):
    def __init__(self):
        super().__init__()
        layer = lambda: nn.TransformerEncoderLayer(D, 4, 96, dropout=0.0, batch_first=True, norm_first=True, activation="gelu")
        self.embed = nn.Linear(4, D)
        self.pos = nn.Parameter(torch.randn(1, P, D) * 0.3)
        self.enc = nn.TransformerEncoder(layer(), 2, enable_nested_tensor=False)
        self.dec = nn.TransformerEncoder(layer(), 1, enable_nested_tensor=False)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, D))
        self.head = nn.Linear(D, 4)

    def encode(self, patches, keep=None):
        z = self.embed(patches) + self.pos
        if keep is not None:
            z = z.gather(1, keep[..., None].expand(-1, -1, D))
        return self.enc(z)

    def forward(self, patches, order):
        keep, hide = order[:, :KEEP], order[:, KEEP:]
        z = self.encode(patches, keep)
        full = self.mask_token.expand(len(z), P, D).scatter(1, keep[..., None].expand(-1, -1, D), z) + self.pos
        rec = self.head(self.dec(full))
        ix = hide[..., None].expand(-1, -1, 4)
        return (rec.gather(1, ix) - patches.gather(1, ix)).pow(2).mean()


digits = load_digits()
img = torch.tensor(digits.images, dtype=torch.float32) / 8 - 1
y = torch.tensor(digits.target)
p = torch.randperm(len(y))
tr, te = p[:1400], p[1400:]
X = patchify(img)
mae = MAE()
decay, plain = [], []
for n, q in mae.named_parameters():
    (decay if q.ndim == 2 else plain).append(q)
opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}], lr=2e-3, betas=(0.9, 0.95))
EP, B = 14, 100
sched = torch.optim.lr_scheduler.SequentialLR(opt, [
    torch.optim.lr_scheduler.LinearLR(opt, 0.05, 1.0, total_iters=20),
    torch.optim.lr_scheduler.CosineAnnealingLR(opt, EP * 14 - 20)], milestones=[20])
fixed_order = torch.rand(len(te), P).argsort(1)
print("pixel variance", X.var().item())
for ep in range(EP):
    mae.train()
    s = 0.
    for idx in tr[torch.randperm(len(tr))].split(B):
        loss = mae(X[idx], torch.rand(len(idx), P).argsort(1))
        opt.zero_grad(); loss.backward(); opt.step(); sched.step()
        s += loss.item()
    if ep % 2:
        mae.eval()
        with torch.no_grad():
            print(f"{ep:2d} masked mse {s / 14:.4f} held out {mae(X[te], fixed_order).item():.4f}")

mae.eval()
with torch.no_grad():
    f = mae.encode(X).mean(1)
f = (f - f[tr].mean(0)) / f[tr].std(0)
W = torch.zeros(D + 1, 10, requires_grad=True)
aug = torch.cat([f, torch.ones(len(f), 1)], 1)
for i in range(150):
    l = F.cross_entropy(aug[tr] @ W, y[tr])
    (g,) = torch.autograd.grad(l, W)
    with torch.no_grad():
        W -= 0.8 * g
with torch.no_grad():
    print(f"linear probe train ce {l.item():.3f} test ce {F.cross_entropy(aug[te] @ W, y[te]).item():.3f} acc {((aug[te] @ W).argmax(1) == y[te]).float().mean().item():.3f}")
