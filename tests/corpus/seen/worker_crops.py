"""Random crops made by two loader workers with torch's own generator."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Chirps(Dataset):
    """Long recordings; training draws a random crop of 64 samples, validation takes the middle."""

    def __init__(self, n, seed, random_crop):
        g = torch.Generator().manual_seed(seed)
        t = torch.linspace(0, 1, 96)
        self.label = torch.randint(3, (n,), generator=g)
        f0 = 6 + 4 * self.label[:, None] + torch.rand(n, 1, generator=g)
        self.wave = torch.sin(6.283 * (f0 * t + torch.rand(n, 1, generator=g))) + 0.8 * torch.randn(n, 96, generator=g)
        self.random_crop = random_crop

    def __len__(self):
        return len(self.label)

    def __getitem__(self, i):
        start = int(torch.randint(0, 33, ())) if self.random_crop else 16
        return self.wave[i, start:start + 64].unsqueeze(0), self.label[i]


def main():
    torch.manual_seed(92)
    train = DataLoader(Chirps(1200, 1, True), batch_size=48, shuffle=True, num_workers=2, persistent_workers=True)
    valid = DataLoader(Chirps(300, 2, False), batch_size=100)
    net = nn.Sequential(nn.Conv1d(1, 16, 11, padding=5), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(16, 16, 7, padding=3), nn.ReLU(),
                        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(16, 3))
    opt = torch.optim.Adam(net.parameters(), lr=4e-3)
    for epoch in range(6):
        net.train()
        for x, y in train:
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            acc = sum((net(x).argmax(1) == y).sum().item() for x, y in valid) / 300
        print(f"epoch {epoch} loss {loss.item():.3f} acc {acc:.3f}", flush=True)


if __name__ == "__main__":
    main()
