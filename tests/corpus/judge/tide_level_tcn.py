"""Forecast of a tide gauge with dilated causal convolutions. Chronological batches and split."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def tide(hours=4000, seed=6):
    rng = np.random.default_rng(seed)
    t = np.arange(hours)
    level = np.sin(2 * np.pi * t / 12.42) + 0.4 * np.sin(2 * np.pi * t / 24.84 + 0.5) + 0.3 * np.sin(2 * np.pi * t / 12.0)
    return torch.tensor(level + rng.normal(0, 0.08, hours), dtype=torch.float32)


class CausalConv(nn.Module):
    def __init__(self, c_in, c_out, dilation):
        super().__init__()
        self.pad = 2 * dilation
        self.conv = nn.Conv1d(c_in, c_out, 3, dilation=dilation)

    def forward(self, x):
        return self.conv(F.pad(x, (self.pad, 0)))


class TCN(nn.Module):
    def __init__(self, ch=16):
        super().__init__()
        self.inp = CausalConv(1, ch, 1)
        self.layers = nn.ModuleList(CausalConv(ch, ch, d) for d in (2, 4, 8))
        self.out = nn.Conv1d(ch, 1, 1)

    def forward(self, x):
        h = F.gelu(self.inp(x))
        for layer in self.layers:
            h = h + F.gelu(layer(h))
        return self.out(h)


def segments(series, length, stride):
    w = series.unfold(0, length + 1, stride)
    return w[:, None, :-1], w[:, None, 1:]


def main():
    torch.manual_seed(6)
    series = tide()
    cut = 3200
    series = (series - series[:cut].mean()) / series[:cut].std()
    x_tr, y_tr = segments(series[:cut], 64, 16)
    x_te, y_te = segments(series[cut:], 64, 16)
    model = TCN()
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    skip = 31                                          # the receptive field must be filled
    for epoch in range(15):
        model.train()
        losses = []
        for xb, yb in zip(x_tr.split(16), y_tr.split(16)):
            opt.zero_grad()
            loss = F.mse_loss(model(xb)[..., skip:], yb[..., skip:])
            loss.backward()
            opt.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            test = F.mse_loss(model(x_te)[..., skip:], y_te[..., skip:]).item()
            naive = F.mse_loss(x_te[..., skip:], y_te[..., skip:]).item()
        if epoch % 3 == 2:
            print(f"epoch {epoch + 1:2d} train {np.mean(losses):.4f} test {test:.4f} (persistence {naive:.4f})")


if __name__ == "__main__":
    main()
