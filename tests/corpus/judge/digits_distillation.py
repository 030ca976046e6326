"""A wide teacher teaches a narrow student on the digits."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


def mlp(width, dropout):
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 10))


def kd_loss(student, teacher, y, T=3.0, alpha=0.7):
    soft = F.kl_div(F.log_softmax(student / T, 1), F.softmax(teacher / T, 1), reduction="batchmean") * T * T
    return alpha * soft + (1 - alpha) * F.cross_entropy(student, y)


@torch.no_grad()
def test(model, loader):
    model.eval()
    out = torch.cat([model(x) for x, _ in loader])
    y = torch.cat([t for _, t in loader])
    return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main():
    torch.manual_seed(16)
    X, y = load_digits(return_X_y=True)
    X = torch.tensor(X / 8.0 - 1.0, dtype=torch.float32)
    y = torch.tensor(y)
    tr, te = train_test_split(range(len(y)), test_size=0.25, stratify=y, random_state=16)
    train = DataLoader(TensorDataset(X[tr], y[tr]), batch_size=32, shuffle=True)
    held = DataLoader(TensorDataset(X[te], y[te]), batch_size=225)

    teacher = mlp(256, 0.3)
    opt = torch.optim.Adam(teacher.parameters(), lr=1e-3)
    for epoch in range(10):
        teacher.train()
        for x, t in train:
            opt.zero_grad()
            F.cross_entropy(teacher(x), t).backward()
            opt.step()
    print("teacher: loss %.3f acc %.3f" % test(teacher, held))

    teacher.eval()
    student = mlp(24, 0.0)
    opt = torch.optim.Adam(student.parameters(), lr=2e-3)
    for epoch in range(10):
        student.train()
        total = 0.0
        for x, t in train:
            with torch.no_grad():
                guide = teacher(x)
            loss = kd_loss(student(x), guide, t)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        if epoch % 3 == 0:
            print("student %d: loss %.3f | held-out %.3f acc %.3f" % (epoch, total / len(train), *test(student, held)))


if __name__ == "__main__":
    main()
