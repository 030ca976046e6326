"""One-step forecast of an hourly load curve with an LSTM; gradients are limited as usual for RNNs."""
import numpy as np
import torch
import torch.nn as nn


def load_curve(hours=3000, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(hours)
    day = np.sin(2 * np.pi * t / 24) + 0.4 * np.sin(4 * np.pi * t / 24 + 1)
    week = 0.5 * np.cos(2 * np.pi * t / 168)
    ar = np.zeros(hours)
    for i in range(1, hours):
        ar[i] = 0.8 * ar[i - 1] + rng.normal(0, 0.15)
    return (day + week + ar).astype(np.float32)


def windows(series, width):
    x = np.lib.stride_tricks.sliding_window_view(series[:-1], width)
    y = series[width:]
    return torch.tensor(x.copy()).unsqueeze(-1), torch.tensor(y).unsqueeze(-1)


class Forecaster(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.head(out[:, -1])


class Learner:
    def __init__(self, model, lr, max_norm):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.max_norm = max_norm
        self.loss_fn = nn.MSELoss()

    def update(self, x, y):
        self.optimizer.zero_grad()
        loss = self.loss_fn(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.max_norm)
        return loss.item()

    def test(self, x, y):
        self.model.eval()
        with torch.no_grad():
            return self.loss_fn(self.model(x), y).item()


def main():
    torch.manual_seed(0)
    series = load_curve()
    cut = 2400
    mean, std = series[:cut].mean(), series[:cut].std()
    series = (series - mean) / std
    x_tr, y_tr = windows(series[:cut], 24)
    x_te, y_te = windows(series[cut:], 24)
    learner = Learner(Forecaster(), lr=3e-3, max_norm=1.0)
    for epoch in range(6):
        learner.model.train()
        losses = [learner.update(x_tr[i], y_tr[i]) for i in torch.randperm(len(x_tr)).split(64)]
        print(f"epoch {epoch}: train mse {np.mean(losses):.4f}, test mse {learner.test(x_te, y_te):.4f}")


if __name__ == "__main__":
    main()
