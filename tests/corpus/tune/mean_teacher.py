import copy
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset, Sampler
from sklearn.datasets import make_moons


class SemiSupervised(Dataset):
    def __init__(self, n, n_labelled, seed):
        rng = np.random.default_rng(seed)
        x, y = make_moons(n, noise=0.08, random_state=seed)
        self.x = torch.tensor(x, dtype=torch.float32) - torch.tensor([0.5, 0.25])
        self.y = torch.tensor(y)
        if n_labelled is not None:
            keep = np.concatenate([rng.choice(np.flatnonzero(y == c), n_labelled // 2, replace=False) for c in (0, 1)])
            m = torch.ones(n, dtype=torch.bool)
            m[keep] = False
            self.y[m] = -1

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class TwoStream(Sampler):
    """each batch: k labelled indices drawn with replacement, the rest unlabelled"""
    def __init__(self, y, batch, k):
        self.lab, self.unl = (y >= 0).nonzero().flatten(), (y < 0).nonzero().flatten()
        self.batch, self.k = batch, k

    def __len__(self):
        return len(self.unl) // (self.batch - self.k)

    def __iter__(self):
        u = self.unl[torch.randperm(len(self.unl))]
        for i in range(len(self)):
            a = self.lab[torch.randint(len(self.lab), (self.k,))]
            yield torch.cat([a, u[i * (self.batch - self.k):(i + 1) * (self.batch - self.k)]]).tolist()


def jitter(x):
    return x + 0.08 * torch.randn_like(x)


torch.manual_seed(0)
train, test = SemiSupervised(1500, 30, 0), SemiSupervised(600, None, 7)
loader = DataLoader(train, batch_sampler=TwoStream(train.y, 100, 20))
student = nn.Sequential(nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 2))
teacher = copy.deepcopy(student)
for p in teacher.parameters():
    p.requires_grad_(False)
opt = torch.optim.SGD(student.parameters(), lr=0.1, momentum=0.9, nesterov=True)
EPOCHS = 20
for ep in range(EPOCHS):
    ramp = 8.0 * np.exp(-5 * (1 - min(1, ep / 10)) ** 2)
    student.train(); teacher.train()
    sup_t = con_t = 0
    for x, y in loader:
        ls = student(jitter(x))
        with torch.no_grad():
            lt = teacher(jitter(x))
        sup = F.cross_entropy(ls, y, ignore_index=-1)
        con = F.mse_loss(ls.softmax(1), lt.softmax(1))
        opt.zero_grad()
        (sup + ramp * con).backward()
        opt.step()
        with torch.no_grad():
            for t, s in zip(teacher.parameters(), student.parameters()):
                t += (1 - 0.97) * (s - t)
        sup_t += sup.item(); con_t += con.item()
    if ep % 4 == 3:
        student.eval(); teacher.eval()
        with torch.no_grad():
            xs, ys = next(iter(DataLoader(test, len(test))))
            res = [(F.cross_entropy(m(xs), ys).item(), (m(xs).argmax(1) == ys).float().mean().item()) for m in (student, teacher)]
        print(f"{ep:2d} sup {sup_t / len(loader):.4f} cons {con_t / len(loader):.4f} student ce {res[0][0]:.3f} acc {res[0][1]:.3f} teacher ce {res[1][0]:.3f} acc {res[1][1]:.3f}")
