# stateful forecasting: parallel streams, truncated backpropagation through time
import numpy as np
import torch
import torch.nn as nn

torch.manual_seed(0)
rng = np.random.default_rng(0)

T, STREAMS, WINDOW = 1600, 8, 20
t = np.arange(T)
phases = rng.uniform(0, 2 * np.pi, size=(STREAMS, 1))
series = np.sin(2 * np.pi * t / 25 + phases) + 0.6 * np.sin(2 * np.pi * t / 9 + 2 * phases) + 0.1 * rng.normal(size=(STREAMS, T))
series = torch.tensor(series, dtype=torch.float32)
cut = 1200
mean, std = series[:, :cut].mean(), series[:, :cut].std()
series = (series - mean) / std
train, valid = series[:, :cut], series[:, cut:]


class Forecaster(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x, state=None):
        h, state = self.lstm(x.unsqueeze(-1), state)
        return self.out(h).squeeze(-1), state


def windows(x):
    for i in range(0, x.shape[1] - WINDOW - 1, WINDOW):
        yield x[:, i:i + WINDOW], x[:, i + 1:i + WINDOW + 1]


model = Forecaster()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.MSELoss()

for epoch in range(8):
    model.train()
    state, losses = None, []
    for x, y in windows(train):
        if state is not None:
            state = tuple(s.detach() for s in state)
        pred, state = model(x, state)
        loss = criterion(pred, y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    state, vl = None, []
    with torch.no_grad():
        for x, y in windows(valid):
            pred, state = model(x, state)
            vl.append(criterion(pred, y).item())
    print(f"epoch {epoch + 1} train {np.mean(losses):.4f} valid {np.mean(vl):.4f}")
