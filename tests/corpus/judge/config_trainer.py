"""Small experiment runner: model, optimizer and schedule are built from a dictionary."""
import torch
from sklearn.datasets import make_moons
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

CONFIG = {
    "seed": 13,
    "model": {"hidden": [16, 16]},
    "optimizer": {"name": "SGD", "lr": 0.03, "momentum": 0.9},
    "schedule": {"name": "cosine", "epochs": 10},
    "batch_size": 50,
}


def build_model(hidden):
    sizes = [2, *hidden]
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], 2))


def build_schedule(optimizer, name, epochs):
    if name == "cosine":
        return lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    if name == "plateau":
        return lr_scheduler.ReduceLROnPlateau(optimizer, patience=2)
    raise ValueError(name)


class Experiment:
    def __init__(self, config):
        torch.manual_seed(config["seed"])
        self.epochs = config["schedule"]["epochs"]
        x, y = make_moons(4000, noise=0.25, random_state=config["seed"])
        x = torch.tensor((x - x[:3000].mean(0)) / x[:3000].std(0), dtype=torch.float32)
        y = torch.tensor(y)
        self.train_loader = DataLoader(TensorDataset(x[:3000], y[:3000]), config["batch_size"], shuffle=True)
        self.val_loader = DataLoader(TensorDataset(x[3000:], y[3000:]), 500)
        self.model = build_model(**config["model"])
        opt = dict(config["optimizer"])
        self.optimizer = getattr(torch.optim, opt.pop("name"))(self.model.parameters(), **opt)
        self.scheduler = build_schedule(self.optimizer, **config["schedule"])
        self.loss_fn = nn.CrossEntropyLoss()

    def train_epoch(self):
        self.model.train()
        for x, y in self.train_loader:
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.loss_fn(self.model(x), y)
            loss.backward()
            self.optimizer.step()

    @torch.no_grad()
    def measure(self, loader):
        self.model.eval()
        loss = hit = n = 0
        for x, y in loader:
            out = self.model(x)
            loss += self.loss_fn(out, y).item() * len(y)
            hit += (out.argmax(1) == y).sum().item()
            n += len(y)
        return loss / n, hit / n

    def end_of_epoch(self, val_loss):
        if isinstance(self.scheduler, lr_scheduler.ReduceLROnPlateau):
            self.scheduler.step(val_loss)

    def run(self):
        for epoch in range(self.epochs):
            self.train_epoch()
            train_loss, _ = self.measure(self.train_loader)
            val_loss, acc = self.measure(self.val_loader)
            self.end_of_epoch(val_loss)
            print(f"{epoch:3d}  train {train_loss:.4f}  val {val_loss:.4f}  acc {acc:.3f}")


if __name__ == "__main__":
    Experiment(CONFIG).run()
