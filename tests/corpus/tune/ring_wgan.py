"""Wasserstein GAN (weight clipping) on a two-dimensional mixture."""
import argparse
import math

import torch
import torch.nn as nn


def real_batch(n, g):
    k = torch.randint(0, 4, (n,), generator=g)
    ang = 2 * math.pi * k / 4 + math.pi / 4
    return torch.stack([ang.cos(), ang.sin()], 1) + 0.1 * torch.randn(n, 2, generator=g)


def sliced_distance(a, b, g, n_proj=64):
    d = torch.randn(2, n_proj, generator=g)
    d = d / d.norm(dim=0, keepdim=True)
    return ((a @ d).sort(0).values - (b @ d).sort(0).values).abs().mean().item()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--gen-steps", type=int, default=450)
    ap.add_argument("--critic-steps", type=int, default=5)
    ap.add_argument("--clip", type=float, default=0.1)
    ap.add_argument("--lr", type=float, default=1e-3)
    args = ap.parse_args()
    torch.manual_seed(0)
    g = torch.Generator().manual_seed(1)

    G = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    D = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
    opt_g = torch.optim.RMSprop(G.parameters(), lr=args.lr)
    opt_d = torch.optim.RMSprop(D.parameters(), lr=args.lr)

    for step in range(args.gen_steps):
        for _ in range(args.critic_steps):
            real = real_batch(64, g)
            fake = G(torch.randn(64, 4)).detach()
            loss_d = D(fake).mean() - D(real).mean()
            opt_d.zero_grad()
            loss_d.backward()
            opt_d.step()
            with torch.no_grad():
                for p in D.parameters():
                    p.clamp_(-args.clip, args.clip)
        opt_g.zero_grad()
        loss_g = -D(G(torch.randn(64, 4))).mean()
        loss_g.backward()
        opt_g.step()
        if (step + 1) % 60 == 0:
            with torch.no_grad():
                sample = G(torch.randn(1000, 4))
            w = sliced_distance(sample, real_batch(1000, g), torch.Generator().manual_seed(3))
            print(f"step {step + 1}: critic {loss_d.item():+.4f} gen {loss_g.item():+.4f} sliced W1 {w:.4f}")


if __name__ == "__main__":
    main()
