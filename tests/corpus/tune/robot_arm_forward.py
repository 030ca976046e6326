"""Learn where a three-joint arm's hand is, with a learning rate that decays by a few per cent an epoch."""
import logging

import torch
from torch import nn

logging.basicConfig(format="%(levelname)s %(message)s", level=logging.INFO)
logger = logging.getLogger(__name__)

LENGTHS = torch.tensor([1.0, 0.7, 0.4])


def simulate(n, generator):
    joints = (torch.rand(n, 3, generator=generator) - 0.5) * 2.4
    angles = joints.cumsum(1)
    hand = torch.stack([(LENGTHS * angles.cos()).sum(1), (LENGTHS * angles.sin()).sum(1)], 1)
    return joints, hand + 0.02 * torch.randn(n, 2, generator=generator)


def fit_epoch(model, x, y, lr, batch_size=40):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    loss_fn = nn.SmoothL1Loss()
    model.train()
    running = 0.0
    for idx in torch.randperm(len(x)).split(batch_size):
        optimizer.zero_grad()
        loss = loss_fn(model(x[idx]), y[idx])
        loss.backward()
        optimizer.step()
        running += loss.item() * len(idx)
    return running / len(x)


def check(model, x, y):
    model.eval()
    with torch.no_grad():
        return nn.functional.smooth_l1_loss(model(x), y).item()


def run(epochs=14, lr=2e-3, decay=0.95, seed=10):
    torch.manual_seed(seed)
    g = torch.Generator().manual_seed(seed)
    x, y = simulate(2000, g)
    xv, yv = simulate(500, g)
    model = nn.Sequential(nn.Linear(3, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 2))
    for epoch in range(epochs):
        train = fit_epoch(model, x, y, lr * decay ** epoch)
        logger.info("epoch %d train %.5f valid %.5f", epoch, train, check(model, xv, yv))


if __name__ == "__main__":
    run()
