"""One-step forecast of a noisy daily load curve with an LSTM."""
import argparse
import torch
import torch.nn as nn
from torch.nn.utils import clip_grad_norm_


def series(n):
    t = torch.arange(n, dtype=torch.float32)
    s = torch.sin(2 * torch.pi * t / 24) + 0.5 * torch.sin(2 * torch.pi * t / 12 + 1) + 0.3 * torch.sin(2 * torch.pi * t / 168)
    return s + 0.1 * torch.randn(n)


def windows(s, length):
    x = s.unfold(0, length + 1, 1)
    return x[:, :-1].unsqueeze(-1), x[:, -1]


class Forecaster(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.linear = nn.Linear(hidden, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.linear(out[:, -1]).squeeze(-1)


def fit(model, x, y, args):
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    loss_fn = nn.MSELoss()
    for epoch in range(args.epochs):
        model.train()
        order = torch.randperm(len(x))
        running = 0.0
        for chunk in order.split(args.batch):
            optimizer.zero_grad()
            loss = loss_fn(model(x[chunk]), y[chunk])
            loss.backward()
            optimizer.step()
            clip_grad_norm_(model.parameters(), args.clip)
            running += loss.item() * len(chunk)
        yield epoch, running / len(x)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=6)
    ap.add_argument("--lr", type=float, default=1e-2)
    ap.add_argument("--clip", type=float, default=1.0)
    ap.add_argument("--batch", type=int, default=50)
    ap.add_argument("--length", type=int, default=24)
    args = ap.parse_args()
    torch.manual_seed(31)
    s = series(1600)
    x, y = windows(s[:1200], args.length)
    xv, yv = windows(s[1200:], args.length)
    model = Forecaster(20)
    for epoch, loss in fit(model, x, y, args):
        model.eval()
        with torch.no_grad():
            val = nn.functional.mse_loss(model(xv), yv).item()
        print(f"{epoch}: train {loss:.4f} val {val:.4f}")


if __name__ == "__main__":
    main()
