"""Reads fixed-size records from a binary stream, preloads them and trains a small classifier."""
import io

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

RECORD = 65  # 64 pixels + label


def write_stream():
    d = load_digits()
    order = np.random.default_rng(5).permutation(len(d.target))
    raw = np.concatenate([d.data[order], d.target[order, None]], 1).astype(np.uint8)
    return io.BytesIO(raw.tobytes())


def read_records(stream):
    """Fast reader: one scratch array, no allocation per record."""
    scratch = np.empty(RECORD, dtype=np.uint8)
    pixels = np.empty(64, dtype=np.float32)
    view = memoryview(scratch)
    while stream.readinto(view) == RECORD:
        np.divide(scratch[:64], 16.0, out=pixels, casting="unsafe")
        yield torch.from_numpy(pixels), int(scratch[64])


def main():
    torch.manual_seed(5)
    xs, ys = zip(*read_records(write_stream()))
    train = list(zip(xs[:1500], ys[:1500]))
    held = list(zip(xs[1500:], ys[1500:]))
    loader = torch.utils.data.DataLoader(train, batch_size=50, shuffle=True)
    held_loader = torch.utils.data.DataLoader(held, batch_size=99)
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(10):
        net.train()
        tot = 0.0
        for x, y in loader:
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            opt.step()
            tot += loss.item()
        net.eval()
        with torch.no_grad():
            acc = sum((net(x).argmax(1) == y).sum().item() for x, y in held_loader) / len(held)
        print(f"epoch {epoch} loss {tot / len(loader):.4f} held-out {acc:.3f}")


if __name__ == "__main__":
    main()
