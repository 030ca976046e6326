"""Digits with a tanh network and hand-written weight initialisation."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SEED = 17
torch.manual_seed(SEED)
np.random.seed(SEED)


class TanhNet(nn.Module):
    def __init__(self, n_in=64, width=160, n_out=10):
        super().__init__()
        self.hidden1 = nn.Linear(n_in, width)
        self.hidden2 = nn.Linear(width, width)
        self.classifier = nn.Linear(width, n_out)
        self.reset()

    def reset(self):
        for layer in (self.hidden1, self.hidden2):
            nn.init.normal_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        x = torch.tanh(self.hidden1(x))
        x = torch.tanh(self.hidden2(x))
        return self.classifier(x)


def data():
    X, y = load_digits(return_X_y=True)
    X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.25, stratify=y, random_state=SEED)
    sc = StandardScaler().fit(X_tr)
    ds = [TensorDataset(torch.tensor(sc.transform(a), dtype=torch.float32), torch.tensor(b))
          for a, b in ((X_tr, y_tr), (X_te, y_te))]
    return DataLoader(ds[0], 64, shuffle=True), DataLoader(ds[1], 450)


def test(model, loader):
    model.eval()
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            return nn.functional.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


train_loader, test_loader = data()
model = TanhNet()
opt = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
for epoch in range(8):
    model.train()
    losses = []
    for x, y in train_loader:
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    print("epoch %d  train loss %.3f  test loss %.3f  test acc %.3f" % (epoch, np.mean(losses), *test(model, test_loader)))
