"""Train a teacher ensemble member, then distil it into a narrow student with soft targets."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset


def data():
    d = load_digits()
    x = torch.tensor(d.data, dtype=torch.float32) / 8 - 1
    y = torch.tensor(d.target)
    g = torch.Generator().manual_seed(5)
    p = torch.randperm(len(x), generator=g)
    return TensorDataset(x[p[:1350]], y[p[:1350]]), TensorDataset(x[p[1350:]], y[p[1350:]])


def mlp(*sizes, dropout=0.0):
    mods = []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        mods.append(nn.Linear(a, b))
        if i < len(sizes) - 2:
            mods += [nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*mods)


@torch.no_grad()
def test(model, ds):
    mode = model.training
    model.eval()
    x, y = ds.tensors
    out = model(x)
    model.train(mode)
    return round(F.cross_entropy(out, y).item(), 4), round((out.argmax(1) == y).float().mean().item(), 4)


def train_teacher(train, val):
    teacher = mlp(64, 128, 64, 10, dropout=0.2)
    opt = torch.optim.Adam(teacher.parameters(), lr=1e-3)
    for epoch in range(9):
        teacher.train()
        for x, y in DataLoader(train, 32, shuffle=True):
            opt.zero_grad()
            F.cross_entropy(teacher(x), y).backward()
            opt.step()
        if epoch % 3 == 2:
            print("teacher", epoch, "train", test(teacher, train), "val", test(teacher, val))
    return teacher


def distil(teacher, train, val, T=3.0, alpha=0.6):
    teacher.eval()
    student = mlp(64, 20, 10)
    opt = torch.optim.Adam(student.parameters(), lr=3e-3)
    sched = torch.optim.lr_scheduler.StepLR(opt, step_size=5, gamma=0.5)
    for epoch in range(15):
        student.train()
        total = 0
        for x, y in DataLoader(train, 32, shuffle=True):
            with torch.no_grad():
                soft = F.softmax(teacher(x) / T, 1)
            out = student(x)
            kd = F.kl_div(F.log_softmax(out / T, 1), soft, reduction="batchmean") * T * T
            loss = alpha * kd + (1 - alpha) * F.cross_entropy(out, y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        sched.step()
        if epoch % 3 == 2:
            print("student", epoch, "loss", round(total / 43, 4), "train", test(student, train), "val", test(student, val))
    return student


if __name__ == "__main__":
    torch.manual_seed(13)
    train, val = data()
    teacher = train_teacher(train, val)
    student = distil(teacher, train, val)
    n = lambda m: sum(p.numel() for p in m.parameters())
    with torch.no_grad():
        same = (teacher.eval()(val.tensors[0]).argmax(1) == student.eval()(val.tensors[0]).argmax(1)).float().mean()
    print("parameters", n(teacher), "->", n(student), "agreement", same.item())
