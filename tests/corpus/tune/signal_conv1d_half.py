import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def synth(n, length=64, seed=0):
    g = torch.Generator().manual_seed(seed)
    t = torch.arange(length) / length
    kind = torch.randint(0, 3, (n,), generator=g)
    freq = torch.rand(n, 1, generator=g) * 3 + 2
    phase = torch.rand(n, 1, generator=g) * 2 * math.pi
    arg = 2 * math.pi * freq * t + phase
    waves = torch.stack([torch.sin(arg), torch.sign(torch.sin(arg)), torch.asin(torch.sin(arg)) * 2 / math.pi], 1)
    x = waves[torch.arange(n), kind] + 0.1 * torch.randn(n, length, generator=g)
    return x.unsqueeze(1), kind


class WaveNetTiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(16, 32, 5, padding=2), nn.ReLU(), nn.AdaptiveAvgPool1d(4),
        )
        self.fc = nn.Linear(128, 3)

    def forward(self, x):
        return self.fc(self.body(x).flatten(1))


def train(model, loader, opt, amp_dtype):
    model.train()
    total = 0.0
    for x, y in loader:
        opt.zero_grad()
        with torch.autocast("cpu", dtype=amp_dtype):
            loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        opt.step()
        total += loss.item() * len(y)
    return total / len(loader.dataset)


@torch.no_grad()
def test(model, loader, amp_dtype):
    model.eval()
    ok = 0
    for x, y in loader:
        with torch.autocast("cpu", dtype=amp_dtype):
            ok += (model(x).argmax(1) == y).sum().item()
    return ok / len(loader.dataset)


if __name__ == "__main__":
    torch.manual_seed(2)
    train_dl = DataLoader(TensorDataset(*synth(2000, seed=1)), batch_size=64, shuffle=True)
    test_dl = DataLoader(TensorDataset(*synth(400, seed=2)), batch_size=200)
    net = WaveNetTiny()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    precision = torch.float16
    for ep in range(8):
        tl = train(net, train_dl, optimizer, precision)
        print(f"{ep}: loss {tl:.4f} acc {test(net, test_dl, precision):.3f}")
