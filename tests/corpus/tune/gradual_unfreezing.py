"""Digits 0-4 first; then the head is swapped for 5-9 and layers thaw from the top."""
import torch, torch.nn as nn
from collections import OrderedDict
from torch.utils.data import DataLoader, TensorDataset
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
torch.manual_seed(64)
d = load_digits(); X = torch.tensor(d.images / 16, dtype=torch.float32)[:, None]; y = torch.tensor(d.target)
def task(mask, shift, n_train):
    a, b = train_test_split(torch.where(mask)[0], train_size=n_train, stratify=y[mask], random_state=6)
    return TensorDataset(X[a], y[a] - shift), TensorDataset(X[b], y[b] - shift)
net = nn.Sequential(OrderedDict(
    stem=nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
    mid=nn.Sequential(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
    head=nn.Linear(128, 5)))
def run(opt, data, epochs, tag, bs=32):
    tr, va = data; dl = DataLoader(tr, bs, shuffle=True)
    for ep in range(epochs):
        net.train(); s = 0
        for a, b in dl:
            loss = nn.functional.cross_entropy(net(a), b)
            opt.zero_grad(); loss.backward(); opt.step(); s += loss.item() / len(dl)
    net.eval()
    with torch.no_grad(): o = net(va.tensors[0]); l = nn.functional.cross_entropy(o, va.tensors[1]); acc = (o.argmax(1) == va.tensors[1]).float().mean()
    print(f'{tag:14s} train {s:.3f} valid {l:.3f} acc {acc:.3f}')
src, dst = task(y < 5, 0, 600), task(y >= 5, 5, 400)
run(torch.optim.Adam(net.parameters(), lr=2e-3), src, 8, 'source')
net.head = nn.Linear(128, 5)
for p in net.parameters(): p.requires_grad_(False)
net.head.requires_grad_(True)
run(torch.optim.Adam(net.head.parameters(), lr=5e-3), dst, 6, 'head only')
net.mid.requires_grad_(True)
run(torch.optim.Adam([dict(params=net.mid.parameters(), lr=1e-3), dict(params=net.head.parameters(), lr=2e-3)]), dst, 5, '+ mid')
net.stem.requires_grad_(True)
run(torch.optim.Adam([dict(params=getattr(net, n).parameters(), lr=r) for n, r in (('stem', 3e-4), ('mid', 6e-4), ('head', 1e-3))]), dst, 5, 'everything')
