"""Teacher on 400 labelled digits, confident labels for 700 more, student on both."""
import torch, torch.nn as nn, torch.nn.functional as F
from torch.utils.data import ConcatDataset, DataLoader, TensorDataset
from sklearn.datasets import load_digits
from sklearn.utils import shuffle

torch.manual_seed(31)
X, y = load_digits(return_X_y=True)
X, y = shuffle(X / 16., y, random_state=31)
X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y)
lab, unl, val, tst = torch.arange(len(X)).split([400, 700, 300, 397])

def make(width): return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Dropout(.3), nn.Linear(width, 10))

def train(net, data, epochs, lr, tag):
    opt = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=.02)
    dl = DataLoader(data, batch_size=40, shuffle=True)
    best, keep, wait = 1e9, None, 0
    for ep in range(epochs):
        net.train(); s = n = 0
        for a, t in dl:
            soft = t if t.dim() == 2 else F.one_hot(t, 10).float()
            loss = -(soft * F.log_softmax(net(a), 1)).sum(1).mean()
            opt.zero_grad(); loss.backward(); opt.step(); s += loss.item() * len(a); n += len(a)
        l, acc = evaluate(net, val)
        if ep % 5 == 0 or ep == epochs - 1: print(tag, ep, f'train {s / n:.3f} val {l:.3f} acc {acc:.3f}')
        if l < best: best, keep, wait = l, {k: v.clone() for k, v in net.state_dict().items()}, 0
        else: wait += 1
        if wait == 5: print(tag, 'stops at', ep); break
    net.load_state_dict(keep); return net

def evaluate(net, idx):
    net.eval()
    with torch.no_grad(): o = net(X[idx]); return F.cross_entropy(o, y[idx]).item(), (o.argmax(1) == y[idx]).float().mean().item()

onehot = F.one_hot(y, 10).float()
labelled = TensorDataset(X[lab], onehot[lab])
teacher = train(make(64), labelled, 25, 3e-3, 'teacher')
print('teacher test', evaluate(teacher, tst))
teacher.eval()
with torch.no_grad(): p = teacher(X[unl]).softmax(1)
sure = p.max(1).values > .8
print('kept', int(sure.sum()), 'of', len(unl), 'right', (p.argmax(1) == y[unl])[sure].float().mean().item())
student = train(make(128), ConcatDataset([labelled, TensorDataset(X[unl][sure], p[sure])]), 20, 3e-3, 'student')
print('student test', evaluate(student, tst))
