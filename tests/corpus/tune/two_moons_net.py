import numpy as np
import torch
from sklearn.datasets import make_moons
from sklearn.preprocessing import StandardScaler
from torch import nn, optim

np.random.seed(0)
torch.manual_seed(0)

# data -----------------------------------------------------------------
X, y = make_moons(2400, noise=0.2, random_state=0)
scaler = StandardScaler().fit(X[:1800])
X = torch.from_numpy(scaler.transform(X)).float()
y = torch.from_numpy(y).long()
X_fit, y_fit, X_dev, y_dev = X[:1800], y[:1800], X[1800:], y[1800:]

# net ------------------------------------------------------------------
net = nn.Sequential(nn.Linear(2, 32), nn.ELU(), nn.Linear(32, 32), nn.ELU(), nn.Linear(32, 2))
ce = nn.CrossEntropyLoss()
opt = optim.SGD(net.parameters(), lr=0.07, momentum=0.9, nesterov=True)
decay = optim.lr_scheduler.MultiStepLR(opt, milestones=[9, 13], gamma=0.3)


def begin_epoch(number):
    decay.step()
    net.train()
    print(f"--- epoch {number}, lr {opt.param_groups[0]['lr']:.3f}")


def run_epoch():
    total = 0.0
    for idx in torch.randperm(len(X_fit)).split(60):
        opt.zero_grad(set_to_none=True)
        loss = ce(net(X_fit[idx]), y_fit[idx])
        loss.backward()
        opt.step()
        total += loss.item() * len(idx)
    return total / len(X_fit)


for number in range(1, 16):
    begin_epoch(number)
    train_loss = run_epoch()
    net.eval()
    with torch.inference_mode():
        scores = net(X_dev)
        dev_loss = ce(scores, y_dev).item()
        dev_acc = (scores.argmax(1) == y_dev).float().mean().item()
    print(f"    fit {train_loss:.4f}  dev {dev_loss:.4f}  acc {dev_acc:.3f}")
