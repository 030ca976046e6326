"""Event detector in windows of a signal; biases start from the prior as in the RetinaNet paper."""
import math

import torch
import torch.nn.functional as F
from torch import nn

PRIOR = 0.12


class Detector(nn.Module):
    def __init__(self, window=24, hidden=64):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(window, hidden), nn.ReLU(),
            nn.Linear(hidden, hidden), nn.ReLU(),
            nn.Linear(hidden, 1))
        prior_bias = -math.log((1 - PRIOR) / PRIOR)
        for m in self.net.modules():
            if isinstance(m, nn.Linear):
                nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
                m.weight.data.mul_(0.5)
                nn.init.constant_(m.bias, prior_bias)

    def forward(self, x):
        return self.net(x).squeeze(-1)


def windows(n, gen):
    y = (torch.rand(n, generator=gen) < PRIOR).float()
    t = torch.arange(24.0)
    at = torch.randint(4, 20, (n, 1), generator=gen)
    bump = torch.exp(-0.5 * ((t - at) / 1.5) ** 2) * 1.8
    return torch.randn(n, 24, generator=gen) * 0.5 + y[:, None] * bump, y


def auc(scores, y):
    order = scores.argsort()
    ranks = torch.empty_like(scores)
    ranks[order] = torch.arange(1, len(scores) + 1, dtype=scores.dtype)
    p = y.sum()
    return ((ranks[y == 1].sum() - p * (p + 1) / 2) / (p * (len(y) - p))).item()


torch.manual_seed(120)
gen = torch.Generator().manual_seed(120)
x, y = windows(4000, gen)
xv, yv = windows(1000, gen)
model = Detector()
opt = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
for epoch in range(12):
    model.train()
    tot = 0.0
    for b in torch.randperm(len(x)).split(80):
        loss = F.binary_cross_entropy_with_logits(model(x[b]), y[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
        tot += loss.item()
    model.eval()
    with torch.no_grad():
        s = model(xv)
        print(f"epoch {epoch}: train {tot / 50:.4f} valid {F.binary_cross_entropy_with_logits(s, yv):.4f} AUC {auc(s, yv):.3f}")
