"""bfloat16 autocast on the CPU, gradient clipping, one-hot mixup; forest-type toy classification."""
import time
import torch
import torch.nn as nn
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(19)
X, y = make_classification(4000, 24, n_informative=10, n_redundant=4, n_classes=4, n_clusters_per_class=2, class_sep=1.4, random_state=19)
Xa, Xb, ya, yb = train_test_split(X, y, test_size=0.2, random_state=19, stratify=y)
mean, std = Xa.mean(0), Xa.std(0)
to = lambda a: torch.tensor((a - mean) / std, dtype=torch.float32)
train_dl = DataLoader(TensorDataset(to(Xa), torch.tensor(ya)), 64, shuffle=True)
val_dl = DataLoader(TensorDataset(to(Xb), torch.tensor(yb)), 400)


def mixup(x, y, k, alpha=0.2):
    lam = torch.distributions.Beta(alpha, alpha).sample()
    j = torch.randperm(len(x))
    t = nn.functional.one_hot(y, k).float()
    return lam * x + (1 - lam) * x[j], lam * t + (1 - lam) * t[j]


net = nn.Sequential(nn.Linear(24, 128), nn.LayerNorm(128), nn.ReLU(), nn.Linear(128, 64), nn.LayerNorm(64), nn.ReLU(), nn.Linear(64, 4))
ce = nn.CrossEntropyLoss()
opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02)
EPOCHS = 8
warm = torch.optim.lr_scheduler.LinearLR(opt, 0.1, 1.0, total_iters=len(train_dl))
cos = torch.optim.lr_scheduler.CosineAnnealingLR(opt, (EPOCHS - 1) * len(train_dl))
sched = torch.optim.lr_scheduler.SequentialLR(opt, [warm, cos], [len(train_dl)])
t0 = time.time()
for epoch in range(EPOCHS):
    net.train()
    tot = clipped = 0
    for x, t in train_dl:
        mx, mt = mixup(x, t, 4)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = ce(net(mx), mt)
        opt.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(net.parameters(), 3.0)
        clipped += int(norm > 3.0)
        opt.step()
        sched.step()
        tot += loss.item()
    net.eval()
    l = c = 0
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        for x, t in val_dl:
            o = net(x)
            l += ce(o.float(), t).item() * len(t)
            c += (o.argmax(1) == t).sum().item()
    print(f"{epoch} train(mixup) {tot / len(train_dl):.4f} val {l / len(yb):.4f} acc {c / len(yb):.4f} clipped {clipped}/{len(train_dl)}")
print("took", round(time.time() - t0, 1), "s")
