"""Train, checkpoint, resume in fresh objects, finish with stochastic weight averaging."""
import os
import tempfile

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn
from torch.utils.data import DataLoader, TensorDataset


def build():
    model = nn.Sequential(nn.Linear(64, 96), nn.BatchNorm1d(96), nn.ReLU(), nn.Linear(96, 10))
    opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    sched = torch.optim.lr_scheduler.StepLR(opt, step_size=4, gamma=0.5)
    return model, opt, sched


def run_epoch(model, opt, loader):
    model.train()
    ce, tot = nn.CrossEntropyLoss(), 0.0
    for x, y in loader:
        opt.zero_grad()
        loss = ce(model(x), y)
        loss.backward()
        opt.step()
        tot += loss.item()
    return tot / len(loader)


@torch.no_grad()
def accuracy(model, x, y):
    model.eval()
    return (model(x).argmax(1) == y).float().mean().item()


def main():
    torch.manual_seed(8)
    d = load_digits()
    a, b, c, e = train_test_split(d.data / 16.0, d.target, test_size=0.25, stratify=d.target, random_state=8)
    loader = DataLoader(TensorDataset(torch.tensor(a, dtype=torch.float32), torch.tensor(c)), batch_size=32, shuffle=True, drop_last=True)
    xv, yv = torch.tensor(b, dtype=torch.float32), torch.tensor(e)
    path = os.path.join(tempfile.mkdtemp(), "last.pt")

    model, opt, sched = build()
    for epoch in range(4):
        loss = run_epoch(model, opt, loader)
        sched.step()
        torch.save({"epoch": epoch + 1, "model": model.state_dict(), "opt": opt.state_dict(), "sched": sched.state_dict()}, path)
        print(f"epoch {epoch} loss {loss:.4f} acc {accuracy(model, xv, yv):.3f}")

    model, opt, sched = build()
    ck = torch.load(path)
    model.load_state_dict(ck["model"])
    opt.load_state_dict(ck["opt"])
    sched.load_state_dict(ck["sched"])
    for epoch in range(ck["epoch"], 7):
        loss = run_epoch(model, opt, loader)
        sched.step()
        print(f"epoch {epoch} (resumed) loss {loss:.4f} acc {accuracy(model, xv, yv):.3f}")

    swa = AveragedModel(model)
    swa_sched = SWALR(opt, swa_lr=0.02, anneal_epochs=1)
    for epoch in range(7, 11):
        loss = run_epoch(model, opt, loader)
        swa.update_parameters(model)
        swa_sched.step()
    update_bn(loader, swa)
    print(f"swa acc {accuracy(swa, xv, yv):.3f} last loss {loss:.4f}")


if __name__ == "__main__":
    main()
