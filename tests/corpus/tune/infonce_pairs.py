import math

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(90)
LATENT, D_A, D_B = 8, 20, 30
A_MIX = torch.randn(LATENT, D_A) / math.sqrt(LATENT)
B_MIX = torch.randn(LATENT, D_B) / math.sqrt(LATENT)


def pairs(n):
    z = torch.randn(n, LATENT)
    a = z @ A_MIX + 0.2 * torch.randn(n, D_A)
    b = torch.tanh(z @ B_MIX) * 1.5 + 0.2 * torch.randn(n, D_B)
    return a, b


class Tower(nn.Module):
    def __init__(self, d_in, d_out=16):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(d_in, 64), nn.GELU(), nn.Linear(64, d_out))

    def forward(self, x):
        return F.normalize(self.net(x), dim=-1)


class DualEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = Tower(D_A), Tower(D_B)
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))

    def forward(self, xa, xb):
        ea, eb = self.a(xa), self.b(xb)
        dist = (ea[:, None, :] - eb[None, :, :]).pow(2).sum(-1)
        return -0.5 * dist * self.log_scale.clamp(max=math.log(100)).exp()


def contrastive(logits):
    t = torch.arange(len(logits))
    rows = -F.log_softmax(logits, dim=1)[t, t].mean()
    cols = -F.log_softmax(logits, dim=0)[t, t].mean()
    return 0.5 * (rows + cols)


train_a, train_b = pairs(4000)
test_a, test_b = pairs(200)
model = DualEncoder()
opt = torch.optim.AdamW([
    {"params": [p for n, p in model.named_parameters() if p.dim() > 1], "weight_decay": 0.01},
    {"params": [p for n, p in model.named_parameters() if p.dim() <= 1], "weight_decay": 0.0},
], lr=3e-3)

for epoch in range(8):
    model.train()
    total = 0.0
    for idx in torch.randperm(len(train_a)).split(80):
        loss = contrastive(model(train_a[idx], train_b[idx]))
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() / 50
    model.eval()
    with torch.no_grad():
        logits = model(test_a, test_b)
        top1 = (logits.argmax(1) == torch.arange(200)).float().mean().item()
    print(f"epoch {epoch + 1} loss {total:.4f} (ln 80 = {math.log(80):.2f}) recall@1 {top1:.3f} scale {model.log_scale.exp().item():.1f}")
