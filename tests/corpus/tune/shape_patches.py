"""Tell squares, crosses and rings apart in small noisy patches."""
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset


@dataclass
class Settings:
    n_train: int = 1200
    n_val: int = 400
    batch: int = 48
    epochs: int = 12
    base_lr: float = 0.01
    noise: float = 0.6


class Patches(Dataset):
    def __init__(self, n, noise, seed):
        g = torch.Generator().manual_seed(seed)
        self.y = torch.randint(0, 3, (n,), generator=g)
        self.x = torch.zeros(n, 1, 12, 12)
        pos = torch.randint(0, 5, (n, 2), generator=g).tolist()
        for i, (r, c) in enumerate(pos):
            p = self.x[i, 0, r:r + 7, c:c + 7]
            if self.y[i] == 0:
                p[1:6, 1:6] = 1
            elif self.y[i] == 1:
                p[3, :] = 1
                p[:, 3] = 1
            else:
                p[0, :] = p[6, :] = 1
                p[:, 0] = p[:, 6] = 1
        self.x += noise * torch.randn(self.x.shape, generator=g)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class PatchNet(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 10, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(10, 20, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(3),
            nn.Flatten(), nn.Linear(180, 3))


def main():
    torch.manual_seed(6)
    s = Settings()
    train = DataLoader(Patches(s.n_train, s.noise, 1), s.batch, shuffle=True)
    val = DataLoader(Patches(s.n_val, s.noise, 2), 200)
    net = PatchNet()
    opt = torch.optim.SGD(net.parameters(), lr=s.base_lr, momentum=0.9)
    # inverse square root decay
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda ep: 1 / (1 + ep) ** -0.5)
    for epoch in range(s.epochs):
        net.train()
        tot = 0.0
        for x, y in train:
            opt.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            opt.step()
            tot += loss.item()
        sched.step()
        net.eval()
        with torch.no_grad():
            pairs = [(net(x), y) for x, y in val]
        vloss = sum(F.cross_entropy(o, y).item() for o, y in pairs) / len(pairs)
        vacc = sum((o.argmax(1) == y).sum().item() for o, y in pairs) / s.n_val
        print(f"{epoch:2d} train {tot / len(train):.3f} val {vloss:.3f} acc {vacc:.3f}")


main()
