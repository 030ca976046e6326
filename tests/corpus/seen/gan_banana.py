"""GAN that learns a banana-shaped two-dimensional distribution."""
import torch
import torch.nn as nn

torch.manual_seed(42)
LATENT, BATCH, STEPS = 4, 64, 900


def real_batch(n):
    a = 0.8 * torch.randn(n)
    b = 0.6 * a**2 - 0.4 + 0.2 * torch.randn(n)
    return torch.stack([a, b], dim=1)


generator = nn.Sequential(nn.Linear(LATENT, 48), nn.LeakyReLU(0.2), nn.Linear(48, 48), nn.LeakyReLU(0.2), nn.Linear(48, 2))
discriminator = nn.Sequential(
    nn.Linear(2, 48), nn.LeakyReLU(0.2), nn.Linear(48, 48), nn.LeakyReLU(0.2), nn.Linear(48, 1)
)
g_opt = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
d_opt = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=(0.5, 0.999))
bce = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)
reference = real_batch(400)


def energy_distance(x, y):
    return 2 * torch.cdist(x, y).mean() - torch.cdist(x, x).mean() - torch.cdist(y, y).mean()


def report(step):
    with torch.no_grad():
        sample = generator(torch.randn(400, LATENT))
    print(f"step {step}: D {d_loss.item():.3f}  G {g_loss.item():.3f}  "
          f"energy distance to real data {energy_distance(sample, reference).item():.4f}")


for step in range(1, STEPS + 1):
    # discriminator
    d_opt.zero_grad()
    fake = generator(torch.randn(BATCH, LATENT))
    d_real = bce(discriminator(real_batch(BATCH)), ones)
    d_real.backward()
    d_fake = bce(discriminator(fake.detach()), zeros)
    d_fake.backward()
    d_opt.step()
    d_loss = d_real + d_fake

    # generator
    g_opt.zero_grad()
    g_loss = bce(discriminator(fake), ones)
    g_loss.backward()
    g_opt.step()
    if step == 1 or step % 150 == 0:
        report(step)
