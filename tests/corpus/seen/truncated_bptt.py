"""Stateful LSTM over one long signal with truncated back-propagation; chunks come in order."""
import torch
from torch import nn

torch.manual_seed(85)
T = 6000
t = torch.arange(T, dtype=torch.float32)
regime = torch.sign(torch.sin(t / 150))
signal = regime * torch.sin(t / 6) + 0.5 * torch.cos(t / 11) + 0.05 * torch.randn(T)
signal = signal / signal[:4800].std()
streams = signal[:4800].view(8, 600)          # eight parallel streams, each in time order
valid = signal[4800:].view(2, 600)


class Stateful(nn.Module):
    def __init__(self, h=40):
        super().__init__()
        self.lstm = nn.LSTM(1, h, batch_first=True)
        self.out = nn.Linear(h, 1)

    def forward(self, x, state=None):
        y, state = self.lstm(x.unsqueeze(-1), state)
        return self.out(y).squeeze(-1), state


def chunks(s, k=30):
    for a in range(0, s.size(1) - k, k):
        yield s[:, a:a + k], s[:, a + 1:a + k + 1]


net = Stateful()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(12):
    net.train()
    state, total = None, []
    for x, y in chunks(streams):
        if state is not None:
            state = tuple(s.detach() for s in state)
        pred, state = net(x, state)
        loss = nn.functional.mse_loss(pred, y)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        total.append(loss.item())
    net.eval()
    with torch.no_grad():
        pred, _ = net(valid[:, :-1])
        v = nn.functional.mse_loss(pred, valid[:, 1:]).item()
    print(f"pass {epoch + 1} train {sum(total) / len(total):.4f} valid {v:.4f}")
