"""Distil a wide digit classifier into a small one."""
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Opt:
    temperature: float = 3.0
    alpha: float = 0.7
    epochs_teacher: int = 8
    epochs_student: int = 10
    batch: int = 50


def mlp(hidden):
    return nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 10))


def distillation_loss(student, teacher, y, o):
    t = o.temperature
    soft = F.kl_div(F.log_softmax(student / t, dim=1), F.softmax(teacher / t, dim=1), reduction="batchmean") * t * t
    return o.alpha * soft + (1 - o.alpha) * F.cross_entropy(student, y)


@torch.no_grad()
def score(model, loader):
    model.eval()
    res = [(model(x), y) for x, y in loader]
    out, y = torch.cat([a for a, _ in res]), torch.cat([b for _, b in res])
    return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def run(o=Opt()):
    torch.manual_seed(12)
    d = load_digits()
    xa, xb, ya, yb = train_test_split(d.data / 16, d.target, test_size=0.3, stratify=d.target, random_state=12)
    ds = lambda x, y: TensorDataset(torch.tensor(x).float(), torch.tensor(y))
    train, val = DataLoader(ds(xa, ya), o.batch, shuffle=True), DataLoader(ds(xb, yb), 270)
    teacher, student = mlp(128), mlp(20)
    opt = torch.optim.Adam(teacher.parameters(), lr=2e-3)
    for epoch in range(o.epochs_teacher):
        teacher.train()
        for x, y in train:
            opt.zero_grad()
            F.cross_entropy(teacher(x), y).backward()
            opt.step()
        print("teacher", epoch, "val loss %.4f acc %.3f" % score(teacher, val))
    teacher.eval()
    opt = torch.optim.Adam(student.parameters(), lr=4e-3)
    for epoch in range(o.epochs_student):
        student.train()
        for x, y in train:
            with torch.no_grad():
                guide = teacher(x)
            loss = distillation_loss(student(x), guide, y, o)
            opt.zero_grad()
            loss.backward()
            opt.step()
        print("student", epoch, "val loss %.4f acc %.3f" % score(student, val))


run()
