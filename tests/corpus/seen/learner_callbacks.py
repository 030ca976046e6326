import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Callback:
    def on_epoch_begin(self, learner): ...
    def on_batch_end(self, learner): ...
    def on_epoch_end(self, learner): ...


class Average(Callback):
    def on_epoch_begin(self, learner):
        self.values = []

    def on_batch_end(self, learner):
        self.values.append(learner.loss.item())

    def on_epoch_end(self, learner):
        print(f"epoch {learner.epoch}: loss {sum(self.values) / len(self.values):.4f} "
              f"lr {learner.optimizer.param_groups[0]['lr']:.2e}")


class Schedule(Callback):
    def __init__(self, scheduler):
        self.scheduler = scheduler

    def on_batch_end(self, learner):
        self.scheduler.step()


class Learner:
    def __init__(self, model, optimizer, loss_fn, callbacks):
        self.model, self.optimizer, self.loss_fn, self.callbacks = model, optimizer, loss_fn, callbacks

    def call(self, name):
        for cb in self.callbacks:
            getattr(cb, name)(self)

    def fit(self, loader, epochs):
        for self.epoch in range(epochs):
            self.model.train()
            self.call("on_epoch_begin")
            for self.batch in loader:
                self.one_batch()
                self.call("on_batch_end")
            self.call("on_epoch_end")

    def one_batch(self):
        x, y = self.batch
        self.optimizer.zero_grad()
        self.loss = self.loss_fn(self.model(x), y)
        self.loss.backward()


def waves(n, seed):
    g = torch.Generator().manual_seed(seed)
    kind = torch.randint(3, (n,), generator=g)
    t = torch.linspace(0, 6.28, 32)
    phase = torch.rand(n, 1, generator=g) * 6.28
    x = torch.sin((kind[:, None] + 1) * t + phase) + 0.3 * torch.randn(n, 32, generator=g)
    return TensorDataset(x[:, None], kind)


torch.manual_seed(6)
model = nn.Sequential(nn.Conv1d(1, 8, 5, padding=2), nn.ReLU(), nn.Conv1d(8, 8, 5, padding=2), nn.ReLU(),
                      nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(8, 3))
loader = DataLoader(waves(1500, 1), batch_size=50, shuffle=True)
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
onecycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=6 * len(loader))
learner = Learner(model, optimizer, nn.CrossEntropyLoss(), [Average(), Schedule(onecycle)])
learner.fit(loader, 6)
model.eval()
with torch.no_grad():
    x, y = waves(400, 2).tensors
    print("held-out accuracy", (model(x).argmax(1) == y).float().mean().item())
