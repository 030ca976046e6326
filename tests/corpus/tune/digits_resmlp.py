import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset


class Block(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.norm = nn.LayerNorm(d)
        self.fc1 = nn.Linear(d, 2 * d)
        self.fc2 = nn.Linear(2 * d, d)

    def forward(self, x):
        return x + self.fc2(torch.nn.functional.gelu(self.fc1(self.norm(x))))


class ResMLP(nn.Module):
    def __init__(self, d=48, depth=3):
        super().__init__()
        self.stem = nn.Linear(64, d)
        self.blocks = nn.ModuleList(Block(d) for _ in range(depth))
        self.head = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 10))

    def forward(self, x):
        x = self.stem(x)
        for b in self.blocks:
            x = b(x)
        return self.head(x)


class Learner:
    def __init__(self, model, loaders, lr=0.05, epochs=20):
        self.model, self.loaders, self.epochs = model, loaders, epochs
        self.opt = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
        self.sched = torch.optim.lr_scheduler.StepLR(self.opt, step_size=8, gamma=0.3)
        self.loss = nn.CrossEntropyLoss()

    def one_batch(self, xb, yb):
        self.opt.zero_grad()
        loss = self.loss(self.model(xb), yb)
        loss.backward()
        self.opt.step()
        self.sched.step()
        return loss.item()

    def accuracy(self, split):
        self.model.eval()
        right = n = 0
        with torch.no_grad():
            for xb, yb in self.loaders[split]:
                right += (self.model(xb).argmax(1) == yb).sum().item()
                n += len(yb)
        self.model.train()
        return right / n

    def fit(self):
        for ep in range(self.epochs):
            losses = [self.one_batch(xb, yb) for xb, yb in self.loaders["train"]]
            print("epoch", ep, "loss %.3f" % (sum(losses) / len(losses)), "val acc %.3f" % self.accuracy("val"))


torch.manual_seed(0)
data = load_digits()
X = torch.from_numpy(data.data).float() / 8 - 1
y = torch.from_numpy(data.target).long()
order = torch.randperm(len(y))
tr, va = order[:1400], order[1400:]
loaders = {
    "train": DataLoader(TensorDataset(X[tr], y[tr]), batch_size=64, shuffle=True),
    "val": DataLoader(TensorDataset(X[va], y[va]), batch_size=200),
}
Learner(ResMLP(), loaders).fit()
