"""Small models that the tests of optimizers share."""

import torch
from torch import nn


def mlp():
    return nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))


class Language(nn.Module):
    """A language model in miniature: embeddings, two blocks, a norm, a head tied to the embedding."""

    def __init__(self):
        super().__init__()
        self.position_embedding = nn.Parameter(torch.zeros(1, 5, 4))
        self.tokens = nn.Embedding(7, 4)
        self.blocks = nn.ModuleList(
            nn.ModuleDict({"norm": nn.LayerNorm(4), "mix": nn.Linear(4, 4), "rnn": nn.GRU(4, 4)}) for _ in range(2)
        )
        self.norm = nn.LayerNorm(4)
        self.head = nn.Linear(4, 7, bias=False)
        self.head.weight = self.tokens.weight


def task(seed=0):
    """A separable classification task: inputs (96, 6), classes (96,)."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(96, 6, generator=generator)
    return inputs, (inputs @ torch.randn(6, 3, generator=generator)).argmax(1)


def seeded(factory, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return factory()
