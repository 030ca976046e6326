"""Self-supervised representations of noisy waves (SimSiam), judged by a linear probe."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

LENGTH, CLASSES = 48, 6


def waves(n, seed):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, CLASSES, (n,), generator=g)
    t = torch.arange(LENGTH) / LENGTH
    freq = 2 + y.float() * 1.5 + 0.3 * torch.randn(n, generator=g)
    phase = 6.283 * torch.rand(n, 1, generator=g)
    x = torch.sin(6.283 * freq[:, None] * t + phase)
    return TensorDataset(x + 0.2 * torch.randn(n, LENGTH, generator=g), y)


def view(x):
    """Random gain, noise and circular shift."""
    shift = int(torch.randint(0, LENGTH, ()))
    x = torch.roll(x, shift, dims=1) * (0.7 + 0.6 * torch.rand(len(x), 1))
    return x + 0.2 * torch.randn_like(x)


class Encoder(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(1, 24, 9, padding=4), nn.BatchNorm1d(24), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(24, dim, 7, padding=3), nn.BatchNorm1d(dim), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten())

    def forward(self, x):
        return self.net(x[:, None])


class SimSiam(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.encoder = Encoder(dim)
        self.projector = nn.Sequential(nn.Linear(dim, dim), nn.BatchNorm1d(dim), nn.ReLU(), nn.Linear(dim, dim), nn.BatchNorm1d(dim))
        self.predictor = nn.Sequential(nn.Linear(dim, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, dim))

    def forward(self, a, b):
        za, zb = self.projector(self.encoder(a)), self.projector(self.encoder(b))
        pa, pb = self.predictor(za), self.predictor(zb)
        return -0.5 * (F.cosine_similarity(pa, zb.detach()).mean() + F.cosine_similarity(pb, za.detach()).mean())


def features(encoder, dataset):
    encoder.eval()
    with torch.no_grad():
        x, y = dataset.tensors
        return encoder(x), y


def linear_probe(encoder, train_set, valid_set, epochs=15):
    ft, yt = features(encoder, train_set)
    fv, yv = features(encoder, valid_set)
    mean, std = ft.mean(0), ft.std(0) + 1e-6
    ft, fv = (ft - mean) / std, (fv - mean) / std
    probe = nn.Linear(ft.shape[1], CLASSES)
    opt = torch.optim.Adam(probe.parameters(), lr=1e-2)
    for epoch in range(epochs):
        total = 0.0
        for idx in torch.randperm(len(ft)).split(50):
            loss = F.cross_entropy(probe(ft[idx]), yt[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
    with torch.no_grad():
        out = probe(fv)
    print(f"probe: train loss {total / len(ft):.3f} valid loss {F.cross_entropy(out, yv):.3f} accuracy {(out.argmax(1) == yv).float().mean():.3f}")


def main():
    torch.manual_seed(6)
    train_set, valid_set = waves(1280, 1), waves(500, 2)
    loader = DataLoader(train_set, batch_size=64, shuffle=True, drop_last=True)
    model = SimSiam()
    opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    for epoch in range(6):
        model.train()
        total = 0.0
        for x, _ in loader:
            loss = model(view(x), view(x))
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        print(f"epoch {epoch}: similarity loss {total / len(loader):.3f}")
    linear_probe(model.encoder, train_set, valid_set)


if __name__ == "__main__":
    main()
