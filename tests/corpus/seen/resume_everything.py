import os
import tempfile

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Run:
    def __init__(self, path):
        self.path = path
        d = load_digits()
        p = np.random.default_rng(1).permutation(len(d.target))
        x = torch.tensor(d.data[p] / 16, dtype=torch.float32)
        y = torch.tensor(d.target[p])
        self.train = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=70, shuffle=True)
        self.valid = DataLoader(TensorDataset(x[1400:], y[1400:]), batch_size=400)
        self.model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 10))
        self.opt = torch.optim.Adam(self.model.parameters(), lr=5e-3)
        self.sched = torch.optim.lr_scheduler.StepLR(self.opt, step_size=4, gamma=0.4)
        self.epoch = 0

    def save(self):
        torch.save({"model": self.model.state_dict(), "opt": self.opt.state_dict(), "sched": self.sched.state_dict(),
                    "epoch": self.epoch, "rng": torch.get_rng_state()}, self.path)

    def load(self):
        c = torch.load(self.path)
        self.model.load_state_dict(c["model"])
        self.opt.load_state_dict(c["opt"])
        self.sched.load_state_dict(c["sched"])
        torch.set_rng_state(c["rng"])
        self.epoch = c["epoch"]

    def go(self, until):
        while self.epoch < until:
            self.model.train()
            for x, y in self.train:
                self.opt.zero_grad()
                loss = nn.functional.cross_entropy(self.model(x), y)
                loss.backward()
                self.opt.step()
            self.sched.step()
            self.epoch += 1
            self.save()
            self.model.eval()
            with torch.no_grad():
                acc = np.mean([(self.model(x).argmax(1) == y).float().mean().item() for x, y in self.valid])
            print(f"epoch {self.epoch} loss {loss.item():.3f} acc {acc:.3f} lr {self.sched.get_last_lr()[0]:.4g}")


torch.manual_seed(1)
ckpt = os.path.join(tempfile.mkdtemp(), "run.ckpt")
Run(ckpt).go(5)
again = Run(ckpt)
again.load()
again.go(10)
