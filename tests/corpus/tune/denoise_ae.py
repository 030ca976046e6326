"""Denoising autoencoder for digit images."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def build(width=128, code=32):
    encoder = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, code), nn.ReLU())
    decoder = nn.Sequential(nn.Linear(code, width), nn.ReLU(), nn.Linear(width, 64), nn.Sigmoid())
    return nn.Sequential(encoder, decoder)


def corrupt(x, amount=0.25, generator=None):
    return x + amount * torch.randn(x.shape, generator=generator)


torch.manual_seed(25)
images = torch.tensor(load_digits().data / 16.0, dtype=torch.float32)
images = images[torch.randperm(len(images))]
clean_val = images[1400:]
noisy_val = corrupt(clean_val, generator=torch.Generator().manual_seed(0))
train = DataLoader(images[:1400], batch_size=50, shuffle=True)
val = DataLoader(TensorDataset(noisy_val, clean_val), batch_size=200)

ae = build()
mse = nn.MSELoss()
opt = torch.optim.Adam(ae.parameters(), lr=2e-3)
for epoch in range(15):
    ae.train()
    total = 0.0
    for clean in train:
        opt.zero_grad()
        loss = mse(ae(corrupt(clean)), clean)
        loss.backward()
        opt.step()
        total += loss.item()
    ae.eval()
    with torch.no_grad():
        v = sum(mse(ae(n), c).item() * len(c) for n, c in val) / len(clean_val)
    print(f"epoch {epoch:2d} train {total / len(train):.4f} val {v:.4f} (input noise {mse(noisy_val, clean_val).item():.4f})")
