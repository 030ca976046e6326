"""A tiny Lightning look-alike: module with hooks, trainer, callbacks."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class DigitsModule(nn.Module):
    def __init__(self, lr=0.05, epochs=9):
        super().__init__()
        self.lr, self.epochs = lr, epochs
        self.net = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(96, 10),
        )

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch):
        x, y = batch
        return F.cross_entropy(self(x), y)

    def validation_step(self, batch):
        x, y = batch
        out = self(x)
        return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=self.lr, momentum=0.9, weight_decay=5e-4)
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=self.epochs)
        return optimizer, scheduler


class SchedulerCallback:
    def on_train_epoch_end(self, trainer):
        trainer.scheduler.step()


class ProgressCallback:
    def on_epoch_end(self, trainer):
        lr = trainer.optimizer.param_groups[0]["lr"]
        print(f"epoch {trainer.current_epoch} train {trainer.train_loss:.4f} "
              f"val {trainer.val_loss:.4f} acc {trainer.val_acc:.4f} lr {lr:.4f}")


class Trainer:
    def __init__(self, max_epochs, callbacks=()):
        self.max_epochs, self.callbacks = max_epochs, callbacks

    def call_hook(self, name):
        for cb in self.callbacks:
            hook = getattr(cb, name, None)
            if hook is not None:
                hook(self)

    def fit(self, module, train_loader, val_loader):
        self.optimizer, self.scheduler = module.configure_optimizers()
        self.call_hook("on_fit_start")
        for self.current_epoch in range(self.max_epochs):
            module.train()
            total = 0.0
            for batch in train_loader:
                self.optimizer.zero_grad()
                loss = module.training_step(batch)
                loss.backward()
                self.optimizer.step()
                total += loss.item()
                self.call_hook("on_batch_end")
            self.train_loss = total / len(train_loader)
            module.eval()
            with torch.no_grad():
                results = [module.validation_step(batch) for batch in val_loader]
            self.val_loss, self.val_acc = (sum(r[i] for r in results) / len(results) for i in (0, 1))
            self.call_hook("on_epoch_end")
        self.call_hook("on_fit_end")


def digits_loaders(batch_size=64):
    X, y = load_digits(return_X_y=True)
    X = ((X - 4.88) / 6.02).reshape(-1, 1, 8, 8).astype("float32")
    Xt, Xv, yt, yv = train_test_split(X, y, test_size=360, random_state=3, stratify=y)
    wrap = lambda X, y: TensorDataset(torch.from_numpy(X), torch.from_numpy(y))
    return DataLoader(wrap(Xt, yt), batch_size, shuffle=True, drop_last=True), DataLoader(wrap(Xv, yv), 120)


if __name__ == "__main__":
    torch.manual_seed(3)
    trainer = Trainer(max_epochs=9, callbacks=[SchedulerCallback(), ProgressCallback()])
    trainer.fit(DigitsModule(), *digits_loaders())
