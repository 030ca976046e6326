"""Train, stop after some epochs, build everything anew, restore ALL state (model, optimizer, scheduler, epoch, RNG) and go on."""
import os
import tempfile

import torch
import torch.nn as nn
from sklearn.datasets import make_moons, make_circles
import numpy as np

CKPT = os.path.join(tempfile.mkdtemp(), "last.ckpt")
TOTAL_EPOCHS = 24


def get_data():
    a, la = make_moons(1500, noise=0.2, random_state=0)
    b, _ = make_circles(700, noise=0.05, factor=0.5, random_state=0)
    x = np.concatenate([a, b * 0.5 + [0.5, 2.2]])
    y = np.concatenate([la, np.full(len(b), 2)])
    x = (x - x.mean(0)) / x.std(0)
    p = np.random.default_rng(0).permutation(len(x))
    x, y = torch.tensor(x[p], dtype=torch.float32), torch.tensor(y[p])
    return (x[:1760], y[:1760]), (x[1760:], y[1760:])


def new_objects():
    net = nn.Sequential(nn.Linear(2, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 3))
    opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, TOTAL_EPOCHS, eta_min=0.002)
    return net, opt, sched


def save(path, net, opt, sched, epoch):
    torch.save({"net": net.state_dict(), "opt": opt.state_dict(), "sched": sched.state_dict(), "epoch": epoch, "rng": torch.get_rng_state()}, path)


def load(path, net, opt, sched):
    s = torch.load(path, weights_only=True)
    net.load_state_dict(s["net"])
    opt.load_state_dict(s["opt"])
    sched.load_state_dict(s["sched"])
    torch.set_rng_state(s["rng"])
    return s["epoch"] + 1


def validate(net, data):
    net.eval()
    with torch.no_grad():
        o = net(data[0])
        r = nn.functional.cross_entropy(o, data[1]).item(), (o.argmax(1) == data[1]).float().mean().item()
    net.train()
    return r


def session(train, val, until):
    net, opt, sched = new_objects()
    start = 0
    if os.path.exists(CKPT):
        start = load(CKPT, net, opt, sched)
        print("resumed at epoch", start, "val", validate(net, val))
    for epoch in range(start, until):
        tot = 0.0
        for idx in torch.randperm(len(train[0])).split(64):
            loss = nn.functional.cross_entropy(net(train[0][idx]), train[1][idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item() * len(idx)
        sched.step()
        save(CKPT, net, opt, sched, epoch)
        if epoch % 3 == 2:
            print(f"epoch {epoch} train {tot / len(train[0]):.4f} val %.4f acc %.4f lr {sched.get_last_lr()[0]:.4f}" % validate(net, val))


if __name__ == "__main__":
    torch.manual_seed(28)
    train, val = get_data()
    session(train, val, until=10)      # "the job was killed here"
    session(train, val, until=TOTAL_EPOCHS)
