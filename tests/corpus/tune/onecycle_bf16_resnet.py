"""Tiny residual network on rendered symbols: bfloat16 autocast, one-cycle schedule, averaged weights, no decay on norms."""
import argparse
import logging

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, TensorDataset

log = logging.getLogger("train")


def symbols(n, seed, size=12):
    lib = torch.Generator().manual_seed(7)
    glyphs = (torch.rand(8, 8, 8, generator=lib) < 0.4).float()
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 8, (n,), generator=g)
    x = torch.zeros(n, 1, size, size)
    at = torch.randint(0, size - 8 + 1, (n, 2), generator=g)
    for i in range(n):
        r, c = at[i]
        x[i, 0, r:r + 8, c:c + 8] = glyphs[y[i]]
    return TensorDataset(x * 2 - 0.4 + 0.5 * torch.randn(x.shape, generator=g), y)


class Residual(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.a, self.na = nn.Conv2d(c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c)
        self.b, self.nb = nn.Conv2d(c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c)
        nn.init.zeros_(self.nb.weight)

    def forward(self, x):
        return F.relu(x + self.nb(self.b(F.relu(self.na(self.a(x))))))


def make_net(c=16):
    return nn.Sequential(nn.Conv2d(1, c, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(c), nn.ReLU(), Residual(c),
                         nn.Flatten(), nn.Linear(c * 36, 8))


def parameter_groups(net, decay):
    yes = [p for p in net.parameters() if p.ndim > 1]
    no = [p for p in net.parameters() if p.ndim <= 1]
    return [{"params": yes, "weight_decay": decay}, {"params": no, "weight_decay": 0.0}]


def evaluate(net, loader):
    net.eval()
    loss = hits = n = 0
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        for x, y in loader:
            out = net(x).float()
            loss += F.cross_entropy(out, y, reduction="sum").item()
            hits += (out.argmax(1) == y).sum().item()
            n += len(y)
    return loss / n, hits / n


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=5)
    ap.add_argument("--max-lr", type=float, default=8e-3)
    args = ap.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.manual_seed(0)
    train_loader = DataLoader(symbols(1152, 1), batch_size=64, shuffle=True)
    valid_loader = DataLoader(symbols(500, 2), batch_size=250)
    net = make_net()
    ema = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
    opt = torch.optim.AdamW(parameter_groups(net, 0.05), lr=args.max_lr)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, args.max_lr, epochs=args.epochs, steps_per_epoch=len(train_loader))
    for epoch in range(args.epochs):
        net.train()
        total = 0.0
        for x, y in train_loader:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = F.cross_entropy(net(x), y, label_smoothing=0.05)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            sched.step()
            ema.update_parameters(net)
            total += loss.item() * len(y)
        log.info("epoch %d train %.3f | net %.3f %.3f | average %.3f %.3f", epoch, total / 1152,
                 *evaluate(net, valid_loader), *evaluate(ema, valid_loader))


if __name__ == "__main__":
    main()
