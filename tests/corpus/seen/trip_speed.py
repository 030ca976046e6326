import argparse
import logging

import numpy as np
import torch
import torch.nn as nn

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
log = logging.getLogger("trips")


def simulate_trips(n, seed):
    g = np.random.default_rng(seed)
    km = g.gamma(3.0, 2.0, n)
    minutes = np.floor(km * g.uniform(0.4, 2.5, n))
    hour = g.uniform(0, 24, n)
    rain = g.random(n)
    fare = 2.5 + 1.1 * km + 0.3 * minutes + 1.5 * (hour > 20) + g.normal(0, 0.5, n)
    return km, minutes, hour, rain, fare


def featurize(km, minutes, hour, rain):
    with np.errstate(divide="ignore"):
        pace = km / minutes
    cols = [km / 10, minutes / 15, np.sin(hour * np.pi / 12), np.cos(hour * np.pi / 12), rain, pace]
    return torch.tensor(np.stack(cols, 1), dtype=torch.float32)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=12)
    ap.add_argument("--bs", type=int, default=32)
    ap.add_argument("--lr", type=float, default=1e-3)
    args = ap.parse_args([])

    torch.manual_seed(11)
    km, minutes, hour, rain, fare = simulate_trips(2400, 11)
    feats = featurize(km, minutes, hour, rain)
    target = torch.tensor((fare - fare.mean()) / fare.std(), dtype=torch.float32).unsqueeze(1)
    tr, va = slice(0, 2000), slice(2000, None)
    ok = torch.isfinite(feats[va]).all(1)

    model = nn.Sequential(nn.Linear(6, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 1))
    optim = torch.optim.Adam(model.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        model.train()
        losses = []
        for ids in torch.randperm(2000).split(args.bs):
            x, t = feats[tr][ids], target[tr][ids]
            loss = nn.functional.mse_loss(model(x), t)
            if not torch.isfinite(loss):
                continue
            optim.zero_grad()
            loss.backward()
            optim.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            err = (model(feats[va][ok]) - target[va][ok]).pow(2).mean().item()
        log.info("epoch %d train %.4f valid %.4f", epoch, np.mean(losses), err)


if __name__ == "__main__":
    main()
