"""Linear head on a frozen convolutional backbone whose batch norm stays in eval mode."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten())

    def forward(self, x):
        return self.net(x)


class Classifier(nn.Module):
    def __init__(self, backbone, n):
        super().__init__()
        self.backbone, self.drop, self.head = backbone, nn.Dropout(0.2), nn.Linear(512, n)

    def forward(self, x):
        return self.head(self.drop(self.backbone(x)))


def subset(digits, offset):
    d = load_digits()
    keep = [i for i, t in enumerate(d.target) if t in digits]
    x = torch.tensor(d.images[keep], dtype=torch.float32)[:, None] / 16
    t = torch.tensor(d.target[keep]) - offset
    p = torch.randperm(len(t), generator=torch.Generator().manual_seed(0))
    return TensorDataset(x[p[200:]], t[p[200:]]), TensorDataset(x[p[:200]], t[p[:200]])


def fit(model, params, train, test, epochs, lr, freeze):
    opt = torch.optim.Adam(params, lr=lr)
    for epoch in range(epochs):
        model.train()
        if freeze:
            model.backbone.eval()
        for x, t in DataLoader(train, 40, shuffle=True):
            opt.zero_grad()
            loss = nn.functional.cross_entropy(model(x), t)
            loss.backward()
            opt.step()
        model.eval()
        with torch.no_grad():
            x, t = test.tensors
            print(f"  epoch {epoch}: {loss.item():.3f} {(model(x).argmax(1) == t).float().mean().item():.3f}")


torch.manual_seed(0)
backbone = Backbone()
print("pretraining on 0-5")
source = Classifier(backbone, 6)
fit(source, source.parameters(), *subset(range(6), 0), epochs=4, lr=2e-3, freeze=False)
backbone.requires_grad_(False)
print("head for 6-9")
target = Classifier(backbone, 4)
fit(target, target.head.parameters(), *subset(range(6, 10), 6), epochs=5, lr=3e-3, freeze=True)
