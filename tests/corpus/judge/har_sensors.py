"""Human-activity style classification of accelerometer windows; subjects are split, gradients are accumulated."""
import argparse
import numpy as np
import torch
import torch.nn as nn

ACT = ["walk", "run", "sit", "stairs"]


def record(rng, subject, activity, n):
    out = []
    pace = 1.7 + 0.2 * subject["pace"]
    for _ in range(n):
        t = np.arange(64) / 25 + rng.uniform(0, 10)
        f, amp, tilt = {"walk": (pace, 1.0, 0.1), "run": (pace * 1.5, 2.0, 0.2), "sit": (0.3, 0.1, 0.7), "stairs": (pace * 0.85, 1.2, 0.4)}[activity]
        amp *= subject["vigour"]
        x = amp * np.sin(2 * np.pi * f * t) + rng.normal(0, 0.9, 64)
        y = 0.6 * amp * np.sin(4 * np.pi * f * t + 0.5) + tilt + rng.normal(0, 0.9, 64)
        z = 1 + 0.3 * amp * np.cos(2 * np.pi * f * t) * (-1 if activity == "stairs" else 1) - tilt + rng.normal(0, 0.9, 64)
        out.append(np.stack([x, y, z]))
    return out


def build_data(seed):
    rng = np.random.default_rng(seed)
    X, Y, S = [], [], []
    for s in range(24):
        subject = dict(pace=rng.normal(), vigour=rng.uniform(0.7, 1.3))
        for k, a in enumerate(ACT):
            w = record(rng, subject, a, 16)
            X += w
            Y += [k] * len(w)
            S += [s] * len(w)
    return np.array(X, dtype=np.float32), np.array(Y), np.array(S)


class ConvNet(nn.Module):
    def __init__(self, c=24):
        super().__init__()
        self.conv1 = nn.Conv1d(3, c, 7, padding=3)
        self.conv2 = nn.Conv1d(c, c, 5, padding=2, stride=2)
        self.conv3 = nn.Conv1d(c, c, 5, padding=4, dilation=2)
        self.norm = nn.GroupNorm(4, c)
        self.fc = nn.Linear(c, len(ACT))
        self.unused_note = "group norm since batches are small"

    def forward(self, x):
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.norm(self.conv2(x)))
        x = x + torch.relu(self.conv3(x))
        return self.fc(x.mean(-1))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--micro", type=int, default=8)
    ap.add_argument("--accumulate", type=int, default=4)
    ap.add_argument("--epochs", type=int, default=6)
    a = ap.parse_args()
    torch.manual_seed(15)
    X, Y, S = build_data(15)
    va = np.isin(S, [1, 5, 9, 13, 17])
    mean, std = X[~va].mean((0, 2), keepdims=True), X[~va].std((0, 2), keepdims=True)
    X = torch.tensor((X - mean) / std)
    Y = torch.tensor(Y)
    va = torch.tensor(va)
    Xt, Yt, Xv, Yv = X[~va], Y[~va], X[va], Y[va]
    print("train windows", len(Xt), "validation windows", len(Xv))
    net, ce = ConvNet(), nn.CrossEntropyLoss()
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    sched = torch.optim.lr_scheduler.PolynomialLR(opt, total_iters=a.epochs, power=1.0)
    for epoch in range(a.epochs):
        perm = torch.randperm(len(Xt))
        net.train()
        opt.zero_grad()
        acc_loss, count = 0.0, 0
        batches = [b for b in perm.split(a.micro) if len(b) == a.micro]
        batches = batches[: len(batches) // a.accumulate * a.accumulate]
        for i, b in enumerate(batches):
            loss = ce(net(Xt[b]), Yt[b])
            (loss / a.accumulate).backward()
            acc_loss += loss.item()
            count += 1
            if (i + 1) % a.accumulate == 0:
                opt.step()
                opt.zero_grad()
        sched.step()
        net.eval()
        with torch.no_grad():
            out = net(Xv)
            print(f"epoch {epoch} train {acc_loss / count:.4f} val {ce(out, Yv).item():.4f} acc {(out.argmax(1) == Yv).float().mean().item():.4f}")


if __name__ == "__main__":
    main()
