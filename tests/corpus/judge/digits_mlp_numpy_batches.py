import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


def load_data(seed=7, n_test=360):
    rng = np.random.RandomState(seed)
    digits = load_digits()
    images = digits.data.astype("float32") / 16.0
    labels = digits.target.astype("int64")
    # mix the order before cutting off the test part
    images = rng.permutation(images)
    labels = rng.permutation(labels)
    mu = images[n_test:].mean()
    images = images - mu
    return (images[n_test:], labels[n_test:]), (images[:n_test], labels[:n_test])


class MLP(nn.Module):
    def __init__(self, d_in, d_hidden, d_out):
        super().__init__()
        self.l1 = nn.Linear(d_in, d_hidden)
        self.l2 = nn.Linear(d_hidden, d_hidden)
        self.l3 = nn.Linear(d_hidden, d_out)

    def forward(self, x):
        return self.l3(F.relu(self.l2(F.relu(self.l1(x)))))


def batches(x, y, size, rng):
    order = rng.permutation(len(x))
    for start in range(0, len(x), size):
        sel = order[start:start + size]
        yield torch.from_numpy(x[sel]), torch.from_numpy(y[sel])


def score(net, x, y):
    net.eval()
    with torch.no_grad():
        out = net(torch.from_numpy(x))
        t = torch.from_numpy(y)
        return F.cross_entropy(out, t).item(), (out.argmax(1) == t).float().mean().item()


if __name__ == "__main__":
    torch.manual_seed(7)
    (x_train, y_train), (x_test, y_test) = load_data()
    rng = np.random.RandomState(1)
    net = MLP(64, 256, 10)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        for xb, yb in batches(x_train, y_train, 32, rng):
            optimizer.zero_grad()
            F.cross_entropy(net(xb), yb).backward()
            optimizer.step()
        if (epoch + 1) % 3 == 0:
            tr, te = score(net, x_train, y_train), score(net, x_test, y_test)
            print("epoch %2d  train %.3f %.3f   test %.3f %.3f" % (epoch + 1, *tr, *te))
