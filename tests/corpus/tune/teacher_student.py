"""Compress a wide digits network into a narrow one with soft targets."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(14)
x, y = load_digits(return_X_y=True)
x, y = torch.tensor(x / 16.0, dtype=torch.float32), torch.tensor(y)
perm = torch.randperm(len(x))
train, test = perm[:1350], perm[1350:]


def mlp(width):
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))


def evaluate(net):
    net.eval()
    with torch.no_grad():
        z = net(x[test])
        return F.cross_entropy(z, y[test]).item(), (z.argmax(1) == y[test]).float().mean().item()


def distillation(student_logits, teacher_logits, labels, T=3.0, alpha=0.6):
    soft = F.kl_div(F.log_softmax(student_logits / T, 1), F.softmax(teacher_logits / T, 1), reduction="batchmean") * T * T
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits, labels)


def run(net, objective, epochs, lr):
    opt = torch.optim.Adam(net.parameters(), lr=lr)
    for epoch in range(epochs):
        net.train()
        for idx in train[torch.randperm(len(train))].split(50):
            opt.zero_grad()
            objective(net(x[idx]), idx).backward()
            opt.step()
        if epoch % 3 == 2:
            print(f"  epoch {epoch + 1}: loss %.4f accuracy %.3f" % evaluate(net))


print("teacher")
teacher = mlp(128)
run(teacher, lambda out, idx: F.cross_entropy(out, y[idx]), 9, 2e-3)
teacher.eval()


def soft_targets(out, idx):
    with torch.no_grad():
        guide = teacher(x[idx])
    return distillation(out, guide, y[idx])


print("student")
run(mlp(20), soft_targets, 15, 4e-3)
