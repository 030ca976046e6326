import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.manual_seed(90)
X, y = load_digits(return_X_y=True)
Xa, Xb, ya, yb = train_test_split(torch.tensor(X / 16, dtype=torch.float32), torch.tensor(y), test_size=0.25, random_state=90)


def accuracy(net):
    net.eval()
    with torch.no_grad():
        return (net(Xb).argmax(1) == yb).float().mean().item()


def epochs(net, n, loss_of, lr=2e-3, bs=64):
    opt = torch.optim.Adam(net.parameters(), lr=lr)
    for e in range(n):
        net.train()
        for i in torch.randperm(len(Xa)).split(bs):
            opt.zero_grad()
            loss_of(net(Xa[i]), i).backward()
            opt.step()
        if e % 4 == 3:
            print(f"  epoch {e + 1} accuracy {accuracy(net):.4f}")


def kd_loss(T=3.0, alpha=0.7):
    def f(logits, i):
        with torch.no_grad():
            soft = F.softmax(teacher(Xa[i]) / T, dim=1)
        soft_term = F.kl_div(F.log_softmax(logits / T, dim=1), soft, reduction="batchmean") * T * T
        return alpha * soft_term + (1 - alpha) * F.cross_entropy(logits, ya[i])
    return f


teacher = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.3), nn.Linear(128, 10))
epochs(teacher, 12, lambda z, i: F.cross_entropy(z, ya[i]))
print("teacher", round(accuracy(teacher), 4))
teacher.eval()
for p in teacher.parameters():
    p.requires_grad_(False)

student = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
epochs(student, 12, kd_loss(), lr=4e-3)
print("student", round(accuracy(student), 4))
