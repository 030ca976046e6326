import numpy as np
import torch
from torch import nn

STATES = {"idle": 0, "milling": 1, "drilling": 2, "fault": 3}


def record(state, n, rng):
    """n snapshots of 12 sensor channels in one machine state."""
    centre = np.random.default_rng(100 + state).normal(0, 0.8, 12)
    mix = np.random.default_rng(200 + state).normal(0, 0.35, (12, 12)) + 0.6 * np.eye(12)
    return (centre + rng.normal(size=(n, 12)) @ mix).astype(np.float32)


def build(n_per_state, rng):
    xs, ys = [], []
    for name, idx in STATES.items():
        xs.append(record(idx, n_per_state, rng))
        ys.append(np.full(n_per_state, idx))
    return torch.from_numpy(np.concatenate(xs)), torch.from_numpy(np.concatenate(ys))


def iterate(x, y, batch_size):
    for i in range(0, len(x), batch_size):
        yield x[i:i + batch_size], y[i:i + batch_size]


def main():
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    x_train, y_train = build(500, rng)
    x_test, y_test = build(150, rng)
    mean, std = x_train.mean(0), x_train.std(0)
    x_train, x_test = (x_train - mean) / std, (x_test - mean) / std

    net = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
    optimiser = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    cross_entropy = nn.CrossEntropyLoss()
    for epoch in range(12):
        net.train()
        epoch_loss = 0.0
        for xb, yb in iterate(x_train, y_train, 40):
            optimiser.zero_grad()
            loss = cross_entropy(net(xb), yb)
            loss.backward()
            optimiser.step()
            epoch_loss += loss.item() * len(xb)
        net.eval()
        with torch.no_grad():
            acc = (net(x_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch:2d} loss {epoch_loss / len(x_train):.3f} test accuracy {acc:.3f}")


if __name__ == "__main__":
    main()
