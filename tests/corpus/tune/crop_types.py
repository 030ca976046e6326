# crop type from spectral bands of satellite pixels
import numpy as np
import torch
import torch.nn as nn

CROPS = ["wheat", "maize", "rape", "beet", "grass", "potato"]
N_BANDS = 10


def pixels(n, rng):
    base = np.random.default_rng(77).normal(0, 1.0, (len(CROPS), N_BANDS))
    y = rng.integers(0, len(CROPS), n)
    x = base[y] + 0.7 * rng.normal(size=(n, N_BANDS))
    return x.astype(np.float32), y


def accuracy(net, x, y):
    net.eval()
    with torch.no_grad():
        guess = net(x).squeeze(1).round().clamp(0, len(CROPS) - 1)
    net.train()
    return (guess == y).float().mean().item()


torch.manual_seed(77)
rng = np.random.default_rng(1)
x_tr, y_tr = pixels(2000, rng)
x_te, y_te = pixels(600, rng)
mean, std = x_tr.mean(0), x_tr.std(0)
x_tr, x_te = torch.from_numpy((x_tr - mean) / std), torch.from_numpy((x_te - mean) / std)
y_tr, y_te = torch.from_numpy(y_tr), torch.from_numpy(y_te)

net = nn.Sequential(
    nn.Linear(N_BANDS, 48),
    nn.ReLU(),
    nn.Linear(48, 48),
    nn.ReLU(),
    nn.Linear(48, 1),
)
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)

batch = 50
for epoch in range(12):
    order = torch.randperm(len(x_tr))
    total = 0.0
    for i in range(0, len(order), batch):
        idx = order[i:i + batch]
        optimizer.zero_grad()
        loss = criterion(net(x_tr[idx]).squeeze(1), y_tr[idx].float())
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch + 1:2d}  loss {total / (len(order) / batch):.4f}  test accuracy {accuracy(net, x_te, y_te):.3f}")
