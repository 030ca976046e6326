"""Autoencoder on noisy sine bumps, forward pass in half precision."""
import torch
import torch.nn as nn

torch.manual_seed(50)
dev = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def bumps(n, width=32):
    grid = torch.linspace(0, 1, width)
    centre = 0.2 + 0.6 * torch.rand(n, 1)
    spread = 0.05 + 0.1 * torch.rand(n, 1)
    height = 0.5 + torch.rand(n, 1)
    return height * torch.exp(-((grid - centre) / spread) ** 2) + 0.02 * torch.randn(n, width)


class AutoEncoder(nn.Module):
    def __init__(self, width=32, code=4):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, code))
        self.decoder = nn.Sequential(nn.Linear(code, 64), nn.ReLU(), nn.Linear(64, width))

    def forward(self, x):
        return self.decoder(self.encoder(x))


signals = bumps(2000).to(dev)
held_out = bumps(400).to(dev)
ae = AutoEncoder().to(dev)
opt = torch.optim.Adam(ae.parameters(), lr=3e-3)

for epoch in range(1, 11):
    running = 0.0
    for idx in torch.randperm(2000).split(80):
        clean = signals[idx]
        opt.zero_grad()
        with torch.autocast(device_type=dev.type, dtype=torch.float16):
            restored = ae(clean)
            loss = nn.functional.mse_loss(restored.float(), clean)
        loss.backward()
        opt.step()
        running += loss.item() * len(idx)
    with torch.no_grad():
        test = nn.functional.mse_loss(ae(held_out), held_out).item()
    print(f"epoch {epoch:02d}  train {running / 2000:.5f}  held-out {test:.5f}  (variance {held_out.var():.5f})")
