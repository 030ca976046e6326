"""Teach a small student with the soft targets of a larger teacher."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


def loaders():
    d = load_digits()
    a, b, c, e = train_test_split(d.data / 16.0, d.target, test_size=0.3, stratify=d.target, random_state=3)
    mk = lambda x, y: TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(y))
    return DataLoader(mk(a, c), batch_size=32, shuffle=True), DataLoader(mk(b, e), batch_size=270)


def accuracy(model, dl):
    was = model.training
    model.eval()
    with torch.no_grad():
        n = sum((model(x).argmax(1) == y).sum().item() for x, y in dl)
    model.train(was)
    return n / len(dl.dataset)


def train_teacher(model, dl, epochs):
    opt = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=0)
    model.train()
    for _ in range(epochs):
        for x, y in dl:
            opt.zero_grad()
            F.cross_entropy(model(x), y).backward()
            opt.step()


def distil(student, teacher, train, test, epochs=10, T=4.0, alpha=0.7):
    opt = torch.optim.Adam(student.parameters(), lr=3e-3)
    kl = nn.KLDivLoss(reduction="batchmean")
    teacher.eval()
    for epoch in range(epochs):
        student.train()
        total = 0.0
        for x, y in train:
            with torch.no_grad():
                soft = F.softmax(teacher(x) / T, dim=1)
            z = student(x)
            loss = alpha * T * T * kl(F.log_softmax(z / T, dim=1), soft) + (1 - alpha) * F.cross_entropy(z, y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        print(f"epoch {epoch + 1} distillation loss {total / len(train):.4f} student acc {accuracy(student, test):.3f}")


if __name__ == "__main__":
    torch.manual_seed(3)
    train, test = loaders()
    teacher = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Dropout(0.2), nn.Linear(256, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 10))
    train_teacher(teacher, train, 6)
    print("teacher", round(accuracy(teacher, test), 3))
    for p in teacher.parameters():
        p.requires_grad = False
    distil(nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 10)), teacher, train, test)
