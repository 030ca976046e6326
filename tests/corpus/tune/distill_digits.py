import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

T, ALPHA = 4.0, 0.7


def mlp(*widths, dropout=0.0):
    layers = []
    for a, b in zip(widths[:-2], widths[1:-1]):
        layers += [nn.Linear(a, b), nn.ReLU(), nn.Dropout(dropout)] if dropout else [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1]))


def accuracy(model, loader):
    model.eval()
    with torch.no_grad():
        return sum((model(x).argmax(1) == y).sum().item() for x, y in loader) / len(loader.dataset)


def train_teacher(model, train_dl, test_dl, epochs=12):
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(epochs):
        model.train()
        for x, y in train_dl:
            loss = F.cross_entropy(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
    print("teacher", accuracy(model, test_dl))


def distill(teacher, student, train_dl, test_dl, epochs=20):
    opt = torch.optim.Adam(student.parameters(), lr=4e-3)
    teacher.eval()
    for epoch in range(epochs):
        student.train()
        for x, y in train_dl:
            with torch.no_grad():
                soft = F.softmax(teacher(x) / T, dim=1)
            logits = student(x)
            kd = F.kl_div(F.log_softmax(logits / T, dim=1), soft, reduction="batchmean") * T * T
            loss = ALPHA * kd + (1 - ALPHA) * F.cross_entropy(logits, y)
            opt.zero_grad()
            loss.backward()
            opt.step()
        if epoch % 4 == 3:
            print(f"student epoch {epoch + 1} loss {loss.item():.4f} acc {accuracy(student, test_dl):.4f}")


if __name__ == "__main__":
    torch.manual_seed(19)
    X, y = load_digits(return_X_y=True)
    Xa, Xb, ya, yb = train_test_split(X / 16, y, test_size=0.25, random_state=19, stratify=y)
    ds = lambda a, b: TensorDataset(torch.tensor(a).float(), torch.tensor(b))
    train_dl, test_dl = DataLoader(ds(Xa, ya), 64, shuffle=True), DataLoader(ds(Xb, yb), 256)
    teacher = mlp(64, 128, 128, 10, dropout=0.2)
    train_teacher(teacher, train_dl, test_dl)
    distill(teacher, mlp(64, 12, 10), train_dl, test_dl)
