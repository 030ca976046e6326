"""SimCLR on 8x8 digits, then a linear probe fitted by L-BFGS on frozen features."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.manual_seed(3)
X, y = load_digits(return_X_y=True)
X = torch.tensor(X, dtype=torch.float32).view(-1, 1, 8, 8) / 16.0
y = torch.tensor(y)
tr, te = train_test_split(torch.arange(len(y)).numpy(), test_size=0.3, stratify=y.numpy(), random_state=0)
Xtr, ytr, Xte, yte = X[tr], y[tr], X[te], y[te]


def augment(x):
    n = len(x)
    p = F.pad(x, (1, 1, 1, 1))
    dx, dy = torch.randint(0, 3, (2, n))
    rows = dy[:, None] + torch.arange(8)
    cols = dx[:, None] + torch.arange(8)
    v = p[torch.arange(n)[:, None, None], 0, rows[:, :, None], cols[:, None, :]].unsqueeze(1)
    v = v * torch.empty(n, 1, 1, 1).uniform_(0.7, 1.2) + 0.08 * torch.randn_like(v)
    return v


class Encoder(nn.Module):
    def __init__(self, d=64):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU(),
            nn.Conv2d(24, 48, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(48), nn.ReLU(),
            nn.Flatten(), nn.Linear(48 * 16, d), nn.ReLU())

    def forward(self, x):
        return self.net(x)


def nt_xent(z, tau=0.3):
    z = F.normalize(z, dim=1)
    n = len(z) // 2
    sim = z @ z.t() / tau
    sim = sim.masked_fill(torch.eye(2 * n, dtype=torch.bool), float("-inf"))
    partner = torch.arange(2 * n).roll(n)
    return F.cross_entropy(sim, partner)


encoder = Encoder()
head = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 32, bias=False))
EPOCHS, BS = 9, 128
steps = EPOCHS * (len(Xtr) // BS)
opt = torch.optim.AdamW([*encoder.parameters(), *head.parameters()], lr=2e-3, weight_decay=1e-4)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, steps)

for epoch in range(EPOCHS):
    encoder.train(); head.train()
    total = 0.0
    perm = torch.randperm(len(Xtr))
    for b in range(len(Xtr) // BS):
        x = Xtr[perm[b * BS:(b + 1) * BS]]
        views = torch.cat([augment(x), augment(x)])
        loss = nt_xent(head(encoder(views)))
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        sched.step()
        total += loss.item()
    print(f"pretrain {epoch:2d}  nt-xent {total / (len(Xtr) // BS):.3f}")

encoder.eval()
for p in encoder.parameters():
    p.requires_grad_(False)
with torch.no_grad():
    Ftr, Fte = encoder(Xtr), encoder(Xte)
mu, sd = Ftr.mean(0), Ftr.std(0) + 1e-3
Ftr, Fte = (Ftr - mu) / sd, (Fte - mu) / sd

probe = nn.Linear(64, 10)
nn.init.zeros_(probe.weight)
nn.init.zeros_(probe.bias)
lbfgs = torch.optim.LBFGS(probe.parameters(), lr=0.5, max_iter=8, line_search_fn="strong_wolfe")


def closure():
    lbfgs.zero_grad()
    loss = F.cross_entropy(probe(Ftr), ytr) + 5e-3 * probe.weight.pow(2).sum()
    loss.backward()
    return loss


for it in range(6):
    loss = lbfgs.step(closure)
    with torch.no_grad():
        out = probe(Fte)
        print(f"probe {it}  objective {loss.item():.3f}  test ce {F.cross_entropy(out, yte):.3f}  acc {(out.argmax(1) == yte).float().mean():.3f}")
