"""Small networks for the built-in problems; their keyword arguments are knobs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainwell.errors import ProblemError, unknown_name

Activation: TypeAlias = Literal["relu", "gelu", "silu", "tanh", "leaky_relu", "elu"]
Norm: TypeAlias = Literal["none", "batch", "layer"]
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
}
NORMS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda _: nn.Identity(),
    "batch": nn.BatchNorm1d,
    "layer": nn.LayerNorm,
}
IMAGE_NORMS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda _: nn.Identity(),
    "batch": nn.BatchNorm2d,
    "layer": lambda channels: nn.GroupNorm(1, channels),
}


def linear(inputs: int, outputs: int) -> nn.Module:
    """One linear layer on flattened inputs."""
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, outputs))


def mlp(
    inputs: int,
    outputs: int,
    *,
    width: int = 128,
    depth: int = 1,
    activation: Activation = "relu",
    dropout: float = 0.0,
    norm: Norm = "none",
) -> nn.Module:
    """A multi-layer perceptron: `depth` hidden layers of linear, norm, activation, dropout.

    Args:
        inputs: Number of features.
        outputs: Number of classes, labels or targets.
        width: Units of a hidden layer. [>= 1]
        depth: Hidden layers. [>= 0]
        activation: Between the layers.
        dropout: Probability that a unit is dropped. [0 to 1]
        norm: After each hidden linear layer.
    """
    _check(width=width, depth=depth, dropout=dropout)
    act, normalize = _known("activation", activation, ACTIVATIONS), _known("norm", norm, NORMS)
    layers: list[nn.Module] = []
    size = inputs
    for _ in range(depth):
        layers += [nn.Linear(size, width), *_unless_identity(normalize(width)), act(), nn.Dropout(dropout)]
        size = width
    return nn.Sequential(*layers, nn.Linear(size, outputs))


def cnn(
    channels: int,
    size: int,
    outputs: int,
    *,
    width: int = 16,
    hidden: int = 64,
    activation: Activation = "relu",
    dropout: float = 0.0,
    norm: Norm = "none",
) -> nn.Module:
    """A small convolutional network: two 3x3 convolutions, each followed by 2x2 pooling, and one hidden layer.

    Args:
        channels: Channels of an image.
        size: Height and width of an image. [pixels, >= 4]
        outputs: Number of classes.
        width: Channels of the first convolution; the second has twice as many.
        hidden: Units of the hidden layer.
        activation: After each layer.
        dropout: Before each linear layer. [0 to 1]
        norm: After each convolution; `layer` is a group norm of one group.
    """
    _check(width=width, depth=1, dropout=dropout)
    act, normalize = _known("activation", activation, ACTIVATIONS), _known("norm", norm, IMAGE_NORMS)
    layers: list[nn.Module] = []
    for before, after in ((channels, width), (width, 2 * width)):
        layers += [nn.Conv2d(before, after, 3, padding=1), *_unless_identity(normalize(after)), act(), nn.MaxPool2d(2)]
    head = nn.Linear(2 * width * (size // 4) ** 2, hidden), act(), nn.Dropout(dropout), nn.Linear(hidden, outputs)
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(dropout), *head)


class CharTransformer(nn.Module):
    """A causal transformer over tokens (N, T) that returns scores (N, T, V) for each next token."""

    def __init__(self, vocabulary: int, context: int, width: int, depth: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(context, width)
        self.blocks = nn.ModuleList(_Block(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.scores = nn.Linear(width, vocabulary, bias=False)
        self.drop = nn.Dropout(dropout)
        for embedding in (self.tokens, self.positions):
            nn.init.normal_(embedding.weight, std=0.02)

    def forward(self, tokens_NT: Tensor) -> Tensor:
        """Score the next token at each place."""
        places = torch.arange(tokens_NT.shape[1], device=tokens_NT.device)
        states = self.drop(self.tokens(tokens_NT) + self.positions(places))
        for block in self.blocks:
            states = block(states)
        scores: Tensor = self.scores(self.norm(states))
        return scores


class _Block(nn.Module):
    """Attention and feed-forward, each added to the residual stream after a norm."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.norm_attention, self.norm_feed = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.drop = nn.Dropout(dropout)

    def forward(self, states_NTW: Tensor) -> Tensor:
        n, t, w = states_NTW.shape
        parts = self.query_key_value(self.norm_attention(states_NTW)).reshape(n, t, 3, self.heads, w // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        rate = self.dropout if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True, dropout_p=rate)
        states = states_NTW + self.drop(self.project(mixed.transpose(1, 2).reshape(n, t, w)))
        out: Tensor = states + self.drop(self.feed(self.norm_feed(states)))
        return out


def char_transformer(
    vocabulary: int, context: int, *, width: int = 64, depth: int = 2, heads: int = 4, dropout: float = 0.0
) -> nn.Module:
    """A small causal transformer for characters.

    Args:
        vocabulary: Number of tokens V.
        context: Longest sequence T. [tokens]
        width: Size of the residual stream, a multiple of `heads`.
        depth: Number of blocks.
        heads: Attention heads.
        dropout: On embeddings, attention and residual branches. [0 to 1]
    """
    _check(width=width, depth=depth, dropout=dropout)
    if heads < 1 or width % heads:
        raise ProblemError(f"`model.width` must be a multiple of heads = {heads}, got {width}. Use {heads * 16}")
    return CharTransformer(vocabulary, context, width, depth, heads, dropout)


def _check(*, width: int, depth: int, dropout: float) -> None:
    for name, value, least in (("width", width, 1), ("depth", depth, 0)):
        if not isinstance(value, int) or value < least:
            raise ProblemError(f"`model.{name}` must be a whole number of at least {least}, got {value!r}. Use 64")
    if not isinstance(dropout, int | float) or not 0 <= dropout < 1 or math.isnan(dropout):
        raise ProblemError(f"`model.dropout` must be at least 0 and below 1, got {dropout!r}. Use 0.1")


def _known(knob: str, name: str, known: dict[str, Callable[..., nn.Module]]) -> Callable[..., nn.Module]:
    if name not in known:
        raise ProblemError(f"`model.{knob}`: {unknown_name(knob, str(name), known)}")
    return known[name]


def _unless_identity(module: nn.Module) -> list[nn.Module]:
    return [] if isinstance(module, nn.Identity) else [module]
