"""Classify short audio-like clips (five 'sounds') from log spectrograms that are computed once and cached."""
import math
import torch
from torch import nn
from torch.utils.data import Dataset, DataLoader, random_split

SR, SECONDS, N_CLASS = 2000, 0.5, 5
NAMES = ["rising", "falling", "steady", "tremolo", "clicks"]


def synth(kind, g):
    n = int(SR * SECONDS)
    t = torch.arange(n) / SR
    r = lambda a, b: a + (b - a) * torch.rand(1, generator=g).item()
    f0, ph = r(250, 600), r(0, 6.28)
    if kind == 0:
        w = torch.sin(2 * math.pi * (f0 * t + r(100, 350) * t ** 2) + ph)
    elif kind == 1:
        w = torch.sin(2 * math.pi * ((f0 + 250) * t - r(100, 350) * t ** 2) + ph)
    elif kind == 2:
        w = torch.sin(2 * math.pi * f0 * t + ph)
    elif kind == 3:
        w = torch.sin(2 * math.pi * f0 * t + ph) * (0.5 + 0.5 * torch.sin(2 * math.pi * r(6, 14) * t))
    else:
        w = torch.randn(n, generator=g) * ((t * r(8, 14)) % 1 < 0.15).float()
    return w * r(0.4, 1.0) + 0.25 * torch.randn(n, generator=g)


class Clips(Dataset):
    def __init__(self, n, seed=0):
        g = torch.Generator().manual_seed(seed)
        self.y = torch.randint(0, N_CLASS, (n,), generator=g)
        self.wave = [synth(int(k), g) for k in self.y]
        self.cache = {}
        self.window = torch.hann_window(128)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        if i not in self.cache:
            s = torch.stft(self.wave[i], 128, 50, window=self.window, return_complex=True).abs()
            s = torch.log1p(s)[:48, :20]
            self.cache[i] = ((s - 1.0) / 0.8)[None]
        return self.cache[i], self.y[i]


def mask_time(x, width=4):
    """SpecAugment for poor people"""
    s = torch.randint(0, x.shape[-1] - width, (1,)).item()
    x = x.clone()
    x[..., s:s + width] = x.mean()
    return x


def build():
    def conv(i, o):
        return [nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*conv(1, 8), *conv(8, 16), nn.Flatten(), nn.Dropout(0.2), nn.Linear(16 * 12 * 5, N_CLASS))


def main():
    torch.manual_seed(31)
    ds = Clips(1300)
    train, val = random_split(ds, [1000, 300], generator=torch.Generator().manual_seed(1))
    probe = torch.stack([train[i][0] for i in range(100)])
    print("spectrogram", probe.shape, "mean", probe.mean().item(), "sd", probe.std().item(), "labels", ds.y.bincount().tolist())
    tl, vl = DataLoader(train, 40, shuffle=True), DataLoader(val, 100)
    net = build()
    opt = torch.optim.AdamW(net.parameters(), 1.5e-3, weight_decay=0.01)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 7)
    for epoch in range(7):
        net.train()
        tot = hit = 0
        for x, y in tl:
            opt.zero_grad()
            out = net(mask_time(x))
            loss = nn.functional.cross_entropy(out, y, label_smoothing=0.05)
            loss.backward()
            opt.step()
            tot += loss.item() * len(y)
            hit += (out.argmax(1) == y).sum().item()
        sched.step()
        net.eval()
        conf = torch.zeros(N_CLASS, N_CLASS, dtype=torch.long)
        vloss = 0.0
        with torch.no_grad():
            for x, y in vl:
                out = net(x)
                vloss += nn.functional.cross_entropy(out, y, label_smoothing=0.05).item() * len(y)
                for a, b in zip(y, out.argmax(1)):
                    conf[a, b] += 1
        print(f"{epoch} train {tot / 1000:.3f} {hit / 1000:.3f} val {vloss / 300:.3f} {conf.trace().item() / 300:.3f}")
    for name, row in zip(NAMES, conf.tolist()):
        print(f"{name:8s}", row)


if __name__ == "__main__":
    main()
