"""Mixture density network for a problem with several answers to one question."""
import math

import torch
from torch import nn


class MDN(nn.Module):
    def __init__(self, parts=4, width=48):
        super().__init__()
        self.parts = parts
        self.body = nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh())
        self.head = nn.Linear(width, 3 * parts)
        with torch.no_grad():
            self.head.bias[parts:2 * parts] = torch.linspace(-1.0, 1.0, parts)

    def forward(self, x):
        logit, mean, log_std = self.head(self.body(x)).chunk(3, dim=-1)
        return logit.log_softmax(-1), mean, log_std.clamp(-4, 2)


def negative_log_likelihood(params, y):
    log_weight, mean, log_std = params
    z = (y - mean) / log_std.exp()
    component = -0.5 * z ** 2 - log_std - 0.5 * math.log(2 * math.pi)
    return -torch.logsumexp(log_weight + component, dim=-1).mean()


def curve(n, gen):
    y = 2 * torch.rand(n, 1, generator=gen) - 1
    x = y + 0.45 * torch.sin(2 * math.pi * y)
    return x + 0.03 * torch.randn(n, 1, generator=gen), y


def main(seed=5, epochs=22, batch=64):
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)
    x, y = curve(2400, gen)
    xv, yv = curve(800, gen)
    model = MDN()
    opt = torch.optim.Adam(model.parameters(), lr=6e-3)
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda e: 0.5 * (1 + math.cos(math.pi * e / epochs)))
    for epoch in range(epochs):
        total = 0.0
        for idx in torch.randperm(len(x), generator=gen).split(batch):
            loss = negative_log_likelihood(model(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 10.0)
            opt.step()
            total += loss.item() * len(idx)
        sched.step()
        if epoch % 2 == 1:
            with torch.no_grad():
                valid = negative_log_likelihood(model(xv), yv).item()
            print(f"epoch {epoch + 1}: train {total / len(x):.3f} valid {valid:.3f}")


if __name__ == "__main__":
    main()
