"""Knowledge distillation: a wide teacher, a narrow student, soft targets at temperature 3."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def sectors(n, gen):
    x = torch.randn(n, 2, generator=gen)
    angle = torch.atan2(x[:, 1], x[:, 0]) + 0.6 * x.norm(dim=1)
    return x, ((angle / (2 * math.pi)) % 1 * 5).long().clamp(max=4)


def mlp(width):
    return nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 5))


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


def train_teacher(teacher, loader, test, epochs=6):
    opt = torch.optim.Adam(teacher.parameters(), lr=3e-3)
    for epoch in range(epochs):
        teacher.train()
        for x, y in loader:
            opt.zero_grad()
            loss = F.cross_entropy(teacher(x), y)
            loss.backward()
            opt.step()
        print(f"teacher epoch {epoch + 1}: test {accuracy(teacher, *test):.3f}")


def train_student(student, teacher, loader, test, epochs=9, temperature=3.0, alpha=0.7):
    opt = torch.optim.Adam(student.parameters(), lr=5e-3)
    teacher.eval()
    for epoch in range(epochs):
        student.train()
        for x, y in loader:
            soft = F.softmax(teacher(x).detach() / temperature, dim=1)
            logits = student(x)
            kd = F.kl_div(F.log_softmax(logits / temperature, dim=1), soft, reduction="batchmean") * temperature**2
            loss = alpha * kd + (1 - alpha) * F.cross_entropy(logits, y)
            opt.zero_grad()
            loss.backward()
            opt.step()
        print(f"student epoch {epoch + 1}: loss {loss.item():.3f} test {accuracy(student, *test):.3f}")


if __name__ == "__main__":
    torch.manual_seed(2)
    gen = torch.Generator().manual_seed(13)
    loader = DataLoader(TensorDataset(*sectors(3000, gen)), batch_size=75, shuffle=True)
    test = sectors(800, gen)
    teacher, student = mlp(96), mlp(20)
    train_teacher(teacher, loader, test)
    train_student(student, teacher, loader, test)
