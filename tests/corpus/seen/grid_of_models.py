"""Small search over width and rate; the winner is trained again on train + validation."""
import itertools

import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from torch import nn

torch.manual_seed(46)
wx, wy = load_wine(return_X_y=True)
x_rest, x_test, y_rest, y_test = train_test_split(wx, wy, test_size=0.25, stratify=wy, random_state=46)
x_train, x_val, y_train, y_val = train_test_split(x_rest, y_rest, test_size=0.3, stratify=y_rest, random_state=46)


def scaled(ref, *arrays):
    m, s = ref.mean(0), ref.std(0)
    return [torch.tensor((a - m) / s, dtype=torch.float32) for a in arrays]


def train_model(x, y, width, lr, epochs=15):
    net = nn.Sequential(nn.Linear(13, width), nn.ReLU(), nn.Dropout(0.1), nn.Linear(width, 3))
    opt = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=0.05)
    net.train()
    for _ in range(epochs):
        for ids in torch.randperm(len(x)).split(16):
            opt.zero_grad()
            nn.functional.cross_entropy(net(x[ids]), y[ids]).backward()
            opt.step()
    return net.eval()


@torch.no_grad()
def loss_of(net, x, y):
    return nn.functional.cross_entropy(net(x), y).item()


xt, xv = scaled(x_train, x_train, x_val)
yt, yv = torch.tensor(y_train), torch.tensor(y_val)
results = {}
for width, lr in itertools.product((8, 32), (2e-3, 6e-3)):
    results[width, lr] = loss_of(train_model(xt, yt, width, lr), xv, yv)
    print(f"width {width:2d} lr {lr}: valid loss {results[width, lr]:.4f}")
width, lr = min(results, key=results.get)
xr, xe = scaled(x_rest, x_rest, x_test)
final = train_model(xr, torch.tensor(y_rest), width, lr)
with torch.no_grad():
    acc = (final(xe).argmax(1) == torch.tensor(y_test)).float().mean().item()
print(f"chosen {width}, {lr}; test loss {loss_of(final, xe, torch.tensor(y_test)):.4f} acc {acc:.3f}")
