import numpy as np
import torch
import torch.nn as nn

torch.manual_seed(6)
np.random.seed(6)

T = 4000
t = np.arange(T)
signal = np.sin(2 * np.pi * t / 25) + 0.5 * np.sin(2 * np.pi * t / 90 + 1) + 0.05 * np.random.randn(T)
signal = torch.tensor((signal - signal[:3200].mean()) / signal[:3200].std(), dtype=torch.float32)
train, test = signal[:3200], signal[3200:]


class Net(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x, state):
        y, state = self.lstm(x, state)
        return self.head(y), state


def repackage(state):
    return tuple(s.detach() for s in state)


def streams(series, n):
    m = (len(series) - 1) // n
    x = series[: n * m].view(n, m).t().unsqueeze(-1)
    y = series[1: n * m + 1].view(n, m).t().unsqueeze(-1)
    return x, y


model = Net()
opt = torch.optim.Adam(model.parameters(), lr=5e-3)
mse = nn.MSELoss()
x, y = streams(train, 8)
for epoch in range(15):
    model.train()
    state, total, k = None, 0.0, 0
    for i in range(0, len(x), 20):
        if state is not None:
            state = repackage(state)
        out, state = model(x[i:i + 20], state)
        loss = mse(out, y[i:i + 20])
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        total, k = total + loss.item(), k + 1
    if epoch % 3 == 2:
        model.eval()
        with torch.no_grad():
            out, _ = model(test[:-1].view(-1, 1, 1), None)
            err = mse(out.flatten(), test[1:]).item()
        print(f"epoch {epoch + 1:2d} train {total / k:.4f} test {err:.4f}")
