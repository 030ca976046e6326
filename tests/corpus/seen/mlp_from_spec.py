"""Builds an MLP from a spec string such as '64-96-48-10'."""
import json
import torch
from torch import nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SPEC = json.loads('{"widths": "64-96-48-10", "act": "relu", "lr": 0.002, "batch": 40, "epochs": 12, "seed": 15}')
ACTS = {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh}


def mlp(widths, act):
    sizes = [int(w) for w in widths.split("-")]
    blocks = []
    for i, o in zip(sizes, sizes[1:]):
        blocks.append(nn.Linear(i, o))
        blocks.append(ACTS[act]())
    return nn.Sequential(*blocks)


def load(seed):
    x, y = load_digits(return_X_y=True)
    x = (x - 8) / 8
    return [torch.as_tensor(t, dtype=torch.float32 if k < 2 else torch.long)
            for k, t in enumerate(train_test_split(x, y, test_size=0.25, random_state=seed))]


torch.manual_seed(SPEC["seed"])
x_tr, x_te, y_tr, y_te = load(SPEC["seed"])
net = mlp(SPEC["widths"], SPEC["act"])
optimizer = torch.optim.Adam(net.parameters(), lr=SPEC["lr"])
criterion = nn.CrossEntropyLoss()
best = 0
for epoch in range(SPEC["epochs"]):
    net.train()
    for b in torch.randperm(len(x_tr)).split(SPEC["batch"]):
        loss = criterion(net(x_tr[b]), y_tr[b])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        acc = (net(x_te).argmax(1) == y_te).float().mean().item()
    best = max(best, acc)
    print(f"{epoch:2d} loss {loss.item():.4f} acc {acc:.4f}")
print("best", best)
