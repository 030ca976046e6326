"""Distil a wide digit classifier into a tiny one."""
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Options:
    temperature: float = 3.0
    alpha: float = 0.7
    teacher_epochs: int = 8
    student_epochs: int = 14
    seed: int = 0


def kd_loss(student_logits, teacher_logits, labels, o):
    soft = F.kl_div(
        F.log_softmax(student_logits / o.temperature, dim=1),
        F.softmax(teacher_logits / o.temperature, dim=1),
        reduction="batchmean") * o.temperature ** 2
    return o.alpha * soft + (1 - o.alpha) * F.cross_entropy(student_logits, labels)


@torch.no_grad()
def accuracy(model, loader):
    model.eval()
    right = loss = n = 0
    for x, y in loader:
        out = model(x)
        loss += F.cross_entropy(out, y, reduction="sum").item()
        right += (out.argmax(1) == y).sum().item()
        n += len(y)
    return loss / n, right / n


def train_teacher(train, valid, o):
    teacher = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Dropout(0.4), nn.Linear(256, 10))
    opt = torch.optim.AdamW(teacher.parameters(), lr=1.5e-3, weight_decay=1e-2)
    for epoch in range(o.teacher_epochs):
        teacher.train()
        for x, y in train:
            opt.zero_grad()
            F.cross_entropy(teacher(x), y).backward()
            opt.step()
        print("teacher", epoch, "valid %.3f acc %.3f" % accuracy(teacher, valid))
    return teacher


def train_student(teacher, train, valid, o):
    student = nn.Sequential(nn.Linear(64, 20), nn.ReLU(), nn.Linear(20, 10))
    opt = torch.optim.Adam(student.parameters(), lr=3e-3)
    teacher.eval()
    for epoch in range(o.student_epochs):
        student.train()
        total = n = 0
        for x, y in train:
            with torch.no_grad():
                target = teacher(x)
            loss = kd_loss(student(x), target, y, o)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total, n = total + loss.item() * len(y), n + len(y)
        print("student", epoch, f"kd {total / n:.3f}", "valid %.3f acc %.3f" % accuracy(student, valid))
    return student


if __name__ == "__main__":
    o = Options()
    torch.manual_seed(o.seed)
    d = load_digits()
    x = torch.tensor(d.data / 16.0 - 0.3, dtype=torch.float32)
    y = torch.tensor(d.target)
    a, b = train_test_split(range(len(y)), test_size=0.25, stratify=d.target, random_state=o.seed)
    train = DataLoader(TensorDataset(x[a], y[a]), batch_size=32, shuffle=True)
    valid = DataLoader(TensorDataset(x[b], y[b]), batch_size=150)
    student = train_student(train_teacher(train, valid, o), train, valid, o)
