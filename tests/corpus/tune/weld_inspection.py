"""Weld seam inspection: five outcomes from 20 sensor features."""
import numpy as np
import torch
import torch.nn as nn

OUTCOMES = ("ok", "porosity", "undercut", "spatter", "crack")
COUNTS = {"ok": 1200, "porosity": 900, "undercut": 800, "spatter": 1000, "crack": 26}


def simulate(seed):
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(0, 0.75, size=(5, 20))
    xs, ys = [], []
    for k, name in enumerate(OUTCOMES):
        xs.append(centres[k] + rng.normal(0, 1.0, size=(COUNTS[name], 20)))
        ys.append(np.full(COUNTS[name], k))
    x, y = np.concatenate(xs), np.concatenate(ys)
    order = rng.permutation(len(y))
    return x[order].astype(np.float32), y[order].astype(np.int64)


class Inspector:
    def __init__(self, width=64, lr=1e-3):
        self.net = nn.Sequential(nn.Linear(20, width), nn.ReLU(), nn.Dropout(0.1), nn.Linear(width, 5))
        self.loss = nn.CrossEntropyLoss()
        self.opt = torch.optim.AdamW(self.net.parameters(), lr=lr)

    def fit_epoch(self, loader):
        self.net.train()
        total = 0.0
        for x, y in loader:
            loss = self.loss(self.net(x), y)
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            total += loss.item()
        return total / len(loader)

    @torch.no_grad()
    def score(self, loader):
        self.net.eval()
        n = right = 0
        total = 0.0
        for x, y in loader:
            z = self.net(x)
            total += self.loss(z, y).item() * len(y)
            right += (z.argmax(1) == y).sum().item()
            n += len(y)
        return total / n, right / n


def main():
    torch.manual_seed(1)
    x, y = simulate(4)
    mean, std = x[:3000].mean(0), x[:3000].std(0)
    x = (x - mean) / std
    data = torch.utils.data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    train = torch.utils.data.Subset(data, range(3000))
    val = torch.utils.data.Subset(data, range(3000, len(data)))
    train_loader = torch.utils.data.DataLoader(train, batch_size=64, shuffle=True)
    val_loader = torch.utils.data.DataLoader(val, batch_size=256)
    inspector = Inspector()
    for epoch in range(8):
        tr = inspector.fit_epoch(train_loader)
        vl, acc = inspector.score(val_loader)
        print(f"epoch {epoch}  train {tr:.3f}  val {vl:.3f}  accuracy {acc:.3f}")


if __name__ == "__main__":
    main()
