"""One body, two heads: defect class of a machine part and its remaining life, from vibration features."""
import numpy as np
import torch
from torch import nn


class TwoHeads(nn.Module):
    def __init__(self, n_in, n_class):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_in, 64), nn.ReLU(), nn.Linear(64, 48), nn.ReLU())
        self.kind = nn.Linear(48, n_class)
        self.life = nn.Linear(48, 1)
        self.log_var = nn.Parameter(torch.zeros(2))       # uncertainty weighting of the two losses

    def forward(self, x):
        h = self.body(x)
        return self.kind(h), self.life(h).squeeze(-1)


def parts(n, rng):
    kind = rng.integers(0, 3, n)
    wear = rng.uniform(0, 1, n)
    speed = rng.uniform(0.5, 1.5, n)
    t = np.arange(128) / 128
    base = np.array([5, 11, 19])[kind]
    sig = (0.4 + 1.8 * wear)[:, None] * np.sin(2 * np.pi * (base * speed)[:, None] * t + rng.uniform(0, 6, n)[:, None])
    sig += 0.5 * np.sin(2 * np.pi * (3 * speed)[:, None] * t) + rng.normal(0, 0.4, (n, 128))
    spec = np.log1p(np.abs(np.fft.rfft(sig, axis=1))[:, 1:33])
    life = 100 * (1 - wear) ** 1.3 * (1.2 - 0.3 * speed) + rng.normal(0, 3, n)
    return np.c_[spec, np.sqrt((sig ** 2).mean(1)), speed], kind, life


def main(seed=2):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    X, K, L = parts(3000, rng)
    ntr = 2400
    mu, sd, lm, ls = X[:ntr].mean(0), X[:ntr].std(0), L[:ntr].mean(), L[:ntr].std()
    X = torch.tensor((X - mu) / sd, dtype=torch.float32)
    L = torch.tensor((L - lm) / ls, dtype=torch.float32)
    K = torch.tensor(K)
    net = TwoHeads(X.shape[1], 3)
    ce, mse = nn.CrossEntropyLoss(), nn.MSELoss()
    opt = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.01)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 12)
    for epoch in range(12):
        net.train()
        sums = np.zeros(2)
        batches = torch.randperm(ntr).split(48)
        for b in batches:
            k, l = net(X[b])
            l1, l2 = ce(k, K[b]), mse(l, L[b])
            w = torch.exp(-net.log_var)
            loss = w[0] * l1 + 0.5 * w[1] * l2 + 0.5 * net.log_var.sum()
            opt.zero_grad()
            loss.backward()
            opt.step()
            sums += [l1.item(), l2.item()]
        sched.step()
        net.eval()
        with torch.no_grad():
            k, l = net(X[ntr:])
            vce, vmse = ce(k, K[ntr:]).item(), mse(l, L[ntr:]).item()
            acc = (k.argmax(1) == K[ntr:]).float().mean().item()
        if epoch % 2 == 1:
            tr = sums / len(batches)
            print(f"{epoch + 1:2d} train ce {tr[0]:.4f} mse {tr[1]:.4f} | val ce {vce:.4f} acc {acc:.3f} mse {vmse:.4f} | mae of life {(l - L[ntr:]).abs().mean().item() * ls:.1f}")


if __name__ == "__main__":
    main()
