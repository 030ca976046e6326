"""Interruptible training: every part of the state goes into the checkpoint and comes back out of it."""
import os
import tempfile

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def surface(n, gen):
    x = 2 * torch.rand(n, 2, generator=gen) - 1
    z = torch.sin(3 * x[:, :1]) * torch.cos(2 * x[:, 1:]) + 0.05 * torch.randn(n, 1, generator=gen)
    return x, z / 0.5


class Job:
    def __init__(self, path, total_epochs):
        self.path, self.total = path, total_epochs
        self.model = nn.Sequential(nn.Linear(2, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1))
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=5e-3)
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, T_max=total_epochs)
        self.epoch = 0
        if os.path.exists(path):
            self.restore()

    def save(self):
        torch.save({
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "epoch": self.epoch,
            "rng": torch.get_rng_state(),
        }, self.path)

    def restore(self):
        state = torch.load(self.path)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.epoch = state["epoch"]
        torch.set_rng_state(state["rng"])
        print(f"restored after epoch {self.epoch}")

    def run(self, loader, test, stop_after):
        loss_fn = nn.MSELoss()
        while self.epoch < stop_after:
            self.model.train()
            for x, z in loader:
                self.optimizer.zero_grad()
                loss = loss_fn(self.model(x), z)
                loss.backward()
                self.optimizer.step()
            self.scheduler.step()
            self.epoch += 1
            self.model.eval()
            with torch.no_grad():
                test_loss = loss_fn(self.model(test[0]), test[1]).item()
            print(f"epoch {self.epoch:2d}: loss {loss.item():.4f} test {test_loss:.4f}")
            self.save()


if __name__ == "__main__":
    torch.manual_seed(57)
    gen = torch.Generator().manual_seed(57)
    loader = DataLoader(TensorDataset(*surface(2000, gen)), batch_size=50, shuffle=True)
    test = surface(500, gen)
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "job.pt")
        Job(path, 12).run(loader, test, stop_after=5)
        Job(path, 12).run(loader, test, stop_after=12)
