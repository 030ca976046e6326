import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, Dataset


class Sorting(Dataset):
    """sort 4 tokens: input digits + separator, predict the sorted digits (teacher forcing)"""
    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        self.x = torch.randint(0, 8, (n, 4), generator=g)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        s = torch.cat([self.x[i], torch.tensor([8]), self.x[i].sort().values])
        y = s[1:].clone()
        y[:4] = -100
        return s[:-1], y


class Block(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.up, self.down = nn.Linear(d, 2 * d), nn.Linear(2 * d, d)
        self.a = nn.Parameter(torch.zeros(()))
        self.b = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(self.ln1(x)).view(n, t, 3, 4, d // 4).permute(2, 0, 3, 1, 4)
        o = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.a * self.proj(o.transpose(1, 2).reshape(n, t, d))
        return x + self.b * self.down(F.gelu(self.up(self.ln2(x))))


class GPT(nn.Module):
    def __init__(self, d=32, depth=2):
        super().__init__()
        self.tok, self.pos = nn.Embedding(9, d), nn.Parameter(torch.randn(8, d) * 0.1)
        self.blocks = nn.ModuleList(Block(d) for _ in range(depth))
        self.ln, self.head = nn.LayerNorm(d), nn.Linear(d, 8)
        self.use_ckpt = True

    def forward(self, s):
        x = self.tok(s) + self.pos[:s.shape[1]]
        for b in self.blocks:
            x = checkpoint(b, x, use_reentrant=False) if self.use_ckpt and self.training else b(x)
        return self.head(self.ln(x))


def lm_loss(out, y):
    return F.cross_entropy(out.float().flatten(0, 1), y.flatten())


torch.manual_seed(1)
train = DataLoader(Sorting(2000, 0), 64, shuffle=True, drop_last=True)
val = DataLoader(Sorting(500, 1), 250)
model = GPT()
opt = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.98), weight_decay=0.0)
amp = lambda: torch.autocast("cpu", dtype=torch.bfloat16)
K, EPOCHS = 2, 6
N = EPOCHS * (len(train) // K)
sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda i: min(i / 20, max(0.02, (N - i) / N)))
for ep in range(EPOCHS):
    model.train()
    tot = 0.
    for i, (s, y) in enumerate(train, 1):
        with amp():
            out = model(s)
        loss = lm_loss(out, y)
        (loss / K).backward()
        tot += loss.item()
        if i % K == 0:
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            sched.step()
            opt.zero_grad(set_to_none=True)
    opt.zero_grad(set_to_none=True)
    model.eval()
    vl = hit = 0
    with torch.inference_mode(), amp():
        for s, y in val:
            o = model(s)
            vl += lm_loss(o, y).item() / len(val)
            hit += (o[:, 4:].argmax(-1) == y[:, 4:]).all(1).sum().item()
    print(f"{ep} train {tot / len(train):.3f} val {vl:.3f} whole sequences right {hit / 500:.3f}")
