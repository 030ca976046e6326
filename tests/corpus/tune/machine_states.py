# Recognise the operating state of a machine (idle, cut, drill, polish, purge, alarm)
# from a short vibration recording.
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(5)
STATES = ["idle", "cut", "drill", "polish", "purge", "alarm"]
FREQ = torch.tensor([5.0, 2.0, 9.0, 3.5, 12.0, 7.0])


def record(n):
    state = torch.randint(0, len(STATES), (n,))
    t = torch.linspace(0, 1, 64)
    phase = torch.rand(n, 1) * 6.283
    wave = torch.sin(6.283 * FREQ[state].unsqueeze(1) * t + phase)
    return (wave + 0.3 * torch.randn(n, 64)).unsqueeze(1), state


class VibrationNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(1, 16, 9, stride=2, padding=4), nn.BatchNorm1d(16), nn.ReLU(),
            nn.Conv1d(16, 32, 5, stride=2, padding=2), nn.BatchNorm1d(32), nn.ReLU(),
            nn.AdaptiveAvgPool1d(4), nn.Flatten(),
        )
        self.out = nn.Linear(128, 1)

    def forward(self, x):
        return self.out(self.body(x)).squeeze(1)


x, y = record(3000)
train_set, val_set = random_split(TensorDataset(x, y), [2400, 600])
train_dl = DataLoader(train_set, batch_size=64, shuffle=True)
val_dl = DataLoader(val_set, batch_size=200)

net = VibrationNet()
criterion = nn.SmoothL1Loss()
opt = torch.optim.AdamW(net.parameters(), lr=2e-3)

for epoch in range(8):
    net.train()
    for xb, yb in train_dl:
        loss = criterion(net(xb), yb.float())
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    hits = 0
    with torch.no_grad():
        for xb, yb in val_dl:
            guess = net(xb).round().clamp(0, len(STATES) - 1).long()
            hits += (guess == yb).sum().item()
    print(f"epoch {epoch}: train loss {loss.item():.3f}, val acc {hits / len(val_set):.3f}")
