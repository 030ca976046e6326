import torch
from torch import nn
from torch.amp import GradScaler, autocast
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

device = "cpu"
torch.manual_seed(23)


class PatchMixer(nn.Module):
    """8x8 image as 16 patches of 2x2, one mixing block, mean pooling."""

    def __init__(self, dim=32):
        super().__init__()
        self.embed = nn.Linear(4, dim)
        self.pos = nn.Parameter(torch.randn(16, dim) * 0.02)
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.tokens = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16))
        self.channels = nn.Sequential(nn.Linear(dim, 64), nn.GELU(), nn.Linear(64, dim))
        self.head = nn.Linear(dim, 10)

    def forward(self, x):
        p = x.unfold(1, 2, 2).unfold(2, 2, 2).reshape(len(x), 16, 4)
        h = self.embed(p) + self.pos
        h = h + self.tokens(self.norm1(h).transpose(1, 2)).transpose(1, 2)
        h = h + self.channels(self.norm2(h))
        return self.head(h.mean(1))


imgs, target = load_digits(return_X_y=True)
a, b, ya, yb = train_test_split(imgs.reshape(-1, 8, 8) / 16.0, target, test_size=0.2, random_state=23, stratify=target)
a, b = torch.tensor(a).float(), torch.tensor(b).float()
ya, yb = torch.tensor(ya), torch.tensor(yb)

model = PatchMixer().to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
scaler = GradScaler(device, init_scale=2.0 ** 12)
for epoch in range(4):
    model.train()
    perm = torch.randperm(len(a))
    for s in range(0, len(a), 48):
        i = perm[s:s + 48]
        optimizer.zero_grad(set_to_none=True)
        with autocast(device, dtype=torch.float16):
            loss = nn.functional.cross_entropy(model(a[i]).float(), ya[i])
        scaler.scale(loss).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
    model.eval()
    with torch.no_grad(), autocast(device, dtype=torch.float16):
        acc = (model(b).argmax(1) == yb).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.3f} acc {acc:.3f} scale {scaler.get_scale():.0f}")
