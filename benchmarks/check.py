"""Processor time per step of a training loop, bare and under the tracer of `trainwell check`, start-up apart.

    python benchmarks/check.py [--rounds 15]

Both kinds run on one core of one process, in alternating blocks of a fixed number of steps; the ratio is the median of
those of neighbouring blocks, with its 95 % interval (order statistics). The first block under the tracer
(the looks at the first steps) is shown apart.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
import torch.nn.functional as F
from scipy.stats import binom
from torch import nn

from trainwell.probes.tracer import Tracer


def small_mlp():
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    return model, lambda: (torch.randn(32, 16), torch.randint(0, 4, (32,))), 400


def mlp():
    model = nn.Sequential(nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))
    return model, lambda: (torch.randn(256, 784), torch.randint(0, 10, (256,))), 20


def cnn():
    layers = [nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return (
        nn.Sequential(*layers, nn.Linear(64, 10)),
        lambda: (torch.randn(32, 3, 32, 32), torch.randint(0, 10, (32,))),
        15,
    )


class Classifier(nn.Module):
    def __init__(self, body, width, first=False):
        super().__init__()
        self.embed, self.body, self.head = nn.Embedding(100, width), body, nn.Linear(width, 10)
        self.first = first

    def forward(self, tokens):
        hidden = self.body(self.embed(tokens))
        return self.head((hidden[0] if self.first else hidden).mean(1))


def transformer():
    layer = nn.TransformerEncoderLayer(128, 4, 256, batch_first=True)
    model = Classifier(nn.TransformerEncoder(layer, 4), 128)
    return model, lambda: (torch.randint(0, 100, (16, 64)), torch.randint(0, 10, (16,))), 15


def lstm():
    model = Classifier(nn.LSTM(128, 128, 2, batch_first=True), 128, first=True)
    return model, lambda: (torch.randint(0, 100, (16, 48)), torch.randint(0, 10, (16,))), 15


def block(model, optimizer, batch, steps):
    begin = time.process_time()
    for _ in range(steps):
        x, y = batch()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        loss.item()
    return (time.process_time() - begin) / steps * 1e3


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    print("| program | bare ms/step | watched ms/step | ratio (95 %) | first block |\n|---|---|---|---|---|")
    for make in (small_mlp, mlp, cnn, transformer, lstm):
        torch.manual_seed(0)
        model, batch, steps = make()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
        block(model, optimizer, batch, steps)
        tracer = Tracer(save=lambda record: None)
        bare, watched = [], []
        for number in range(rounds + 1):
            tracer.install()
            watched.append(block(model, optimizer, batch, steps))
            tracer.close()
            if number:
                bare.append(block(model, optimizer, batch, steps))
        first, *watched = watched
        ratios = [w / b for w, b in zip(watched, bare, strict=True)]
        low, high = interval(ratios)
        shown = f"{statistics.median(ratios):.3f} ({low:.3f} to {high:.3f})"
        b, w = statistics.median(bare), statistics.median(watched)
        print(f"| {make.__name__} | {b:.3f} | {w:.3f} | {shown} | {first:.3f} |", flush=True)


def interval(values):
    """Order statistics that hold the median with 95 %."""
    cut = int(binom.ppf(0.025, len(values), 0.5))
    ordered = sorted(values)
    return ordered[max(0, cut - 1)], ordered[min(len(values) - 1, len(values) - cut)]


if __name__ == "__main__":
    main()
