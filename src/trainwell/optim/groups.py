"""Which rate and decay each parameter of a model gets, and the parameter groups made of that."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

from torch import nn
from torch.nn.parameter import UninitializedParameter

from trainwell.errors import ProblemError, RecipeError
from trainwell.recipe.optimizers import AdamW, Muon, Optimizer
from trainwell.recipe.parts import Parameters

Role = Literal["matrix", "vector", "norm", "embedding"]

_NORMS = (
    nn.modules.batchnorm._NormBase,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.RMSNorm,
)
_EMBEDDINGS = (nn.Embedding, nn.EmbeddingBag)


@dataclass(frozen=True)
class Treatment:
    """How one parameter is treated.

    Attributes:
        names: Every name it has in the model, the first one first; tied parameters have several.
        parameter: The parameter.
        role: matrix (any weight with two dimensions or more), vector (biases, gains), norm, or embedding.
        layer: Prefix of the layer it belongs to, e.g. `blocks.3`.
        head: Whether it is the weight of the last layer that has one.
        frozen: Whether it is not trained.
        decays: Whether weight decay and penalties apply.
        lr_factor: Factor on the rate.
        weight_decay: Own weight decay, or None for the optimizer's.
    """

    names: tuple[str, ...]
    parameter: nn.Parameter
    role: Role
    layer: str
    head: bool
    frozen: bool
    decays: bool
    lr_factor: float
    weight_decay: float | None

    @property
    def name(self) -> str:
        """The first of its names."""
        return self.names[0]

    def decay(self, weight_decay: float) -> float:
        """Its decay, if the optimizer's is `weight_decay`."""
        return weight_decay * self.decays if self.weight_decay is None else self.weight_decay

    @property
    def hidden_matrix(self) -> bool:
        """Whether Muon may update it: a weight that is neither embedding nor output head."""
        return self.role == "matrix" and self.parameter.ndim >= 2 and not self.head


def treatments(model: nn.Module, part: Parameters) -> list[Treatment]:
    r"""Decide for each parameter of a model, tied ones once, in the order of `model.named_parameters()`.

    Norms, biases, other vectors and embeddings do not decay unless `decay_all`. With `layer_lr_decay` $d$ and L layers
    in order of registration, a parameter of layer l has the factor $d^{L - 1 - l}$; a layer is what has one index in
    the outermost list of layers (`blocks.3`), or else one module, and norms belong to the layer before them.
    Overrides apply in their order: of several decays that match the last counts, factors of rates multiply.

    Args:
        model: The model; nothing in it changes.
        part: `recipe.parameters`.

    Raises:
        RecipeError: If a pattern matches no parameter.
        ProblemError: If a parameter has no shape yet.

    Source:
        Layer-wise decay: Clark et al. 2020, ELECTRA; as in Bao et al. 2022, BEiT.
    """
    found = _find(model)
    layers = _layers(model, found)
    head = max(found, key=lambda entry: entry.last_use_as_weight, default=None)
    overrides = [(o, _matching(o.pattern, found, index)) for index, o in enumerate(part.overrides)]
    depths = {layer: depth for depth, layer in enumerate(dict.fromkeys(layers))}
    result = []
    for entry, layer in zip(found, layers, strict=True):
        factor = part.layer_lr_decay ** (len(depths) - 1 - depths[layer])
        weight_decay: float | None = None
        frozen = not entry.parameter.requires_grad
        for override, matched in overrides:
            if id(entry.parameter) in matched:
                factor *= 1.0 if override.lr_factor is None else override.lr_factor
                weight_decay = weight_decay if override.weight_decay is None else override.weight_decay
                frozen |= override.freeze
        result.append(
            Treatment(
                names=tuple(entry.names),
                parameter=entry.parameter,
                role=entry.role,
                layer=layer,
                head=entry is head and entry.last_use_as_weight >= 0,
                frozen=frozen,
                decays=part.decay_all or entry.role == "matrix" if weight_decay is None else weight_decay > 0,
                lr_factor=factor,
                weight_decay=weight_decay,
            )
        )
    return result


def freeze(treated: Iterable[Treatment]) -> None:
    """Let the frozen parameters need no gradient any more."""
    for t in treated:
        if t.frozen:
            t.parameter.requires_grad_(False)


def trained(treated: Iterable[Treatment]) -> list[Treatment]:
    """Those that are not frozen.

    Raises:
        RecipeError: If none is left.
    """
    treated = list(treated)
    kept = [t for t in treated if not t.frozen]
    if not treated:
        raise ProblemError("`model` must have parameters to train, got none. Check that its layers are attributes")
    if not kept:
        raise RecipeError(
            "`parameters.overrides` must leave a parameter to train, got all frozen. Freeze fewer, "
            "or give the model parameters that require a gradient"
        )
    return kept


def divide(spec: Optimizer, treated: Sequence[Treatment]) -> list[tuple[Optimizer, list[Treatment]]]:
    """Say which update rule each parameter gets: Muon leaves all but hidden matrices to AdamW, others take all.

    Raises:
        RecipeError: If there is no hidden matrix for Muon.
    """
    if not isinstance(spec, Muon):
        return [(spec, list(treated))]
    adamw = AdamW(lr=spec.adamw_lr, betas=spec.adamw_betas, weight_decay=spec.adamw_weight_decay)
    hidden = [t for t in treated if t.hidden_matrix]
    rest = [t for t in treated if not t.hidden_matrix]
    if not hidden:
        raise RecipeError(
            "`optimizer.name` must not be muon for a model without hidden weight matrices (embeddings and the output "
            "layer do not count), got muon. Use adamw"
        )
    return [(spec, hidden), (adamw, rest)] if rest else [(spec, hidden)]


def parameter_groups(treated: Sequence[Treatment], lr: float, weight_decay: float) -> list[dict[str, Any]]:
    """Group parameters by rate and decay, in the form that torch.optim takes.

    Args:
        treated: Parameters to train.
        lr: Base rate.
        weight_decay: Decay of those that decay.

    Returns:
        Groups with `params` (name and parameter each), `lr`, `base_lr` (rate at multiplier 1) and `weight_decay`.
    """
    groups: dict[tuple[float, float], list[tuple[str, nn.Parameter]]] = {}
    for t in treated:
        groups.setdefault((lr * t.lr_factor, t.decay(weight_decay)), []).append((t.name, t.parameter))
    return [
        {"params": members, "lr": rate, "base_lr": rate, "weight_decay": decay}
        for (rate, decay), members in groups.items()
    ]


@dataclass
class _Found:
    names: list[str]
    parameter: nn.Parameter
    role: Role
    last_use_as_weight: int = -1


def _find(model: nn.Module) -> list[_Found]:
    """Every parameter once, with all its names; a use as embedding anywhere makes it an embedding."""
    by_id: dict[int, _Found] = {}
    position = 0
    for prefix, module in model.named_modules(remove_duplicate=False):
        for attribute, parameter in module.named_parameters(recurse=False):
            name = f"{prefix}.{attribute}" if prefix else attribute
            if isinstance(parameter, UninitializedParameter):
                raise ProblemError(
                    f"`model` must have shapes, got lazy `{name}`. Call it once on a batch before training"
                )
            role = _role(module, attribute, parameter)
            entry = by_id.setdefault(id(parameter), _Found([], parameter, role))
            entry.names.append(name)
            position += 1
            if role == "embedding":
                entry.role = role
            elif role == "matrix":
                entry.last_use_as_weight = position
    return list(by_id.values())


def _role(owner: nn.Module, attribute: str, parameter: nn.Parameter) -> Role:
    if isinstance(owner, _NORMS):
        return "norm"
    if isinstance(owner, _EMBEDDINGS) or (parameter.ndim > 1 and ("embed" in attribute or attribute.endswith("token"))):
        return "embedding"
    if parameter.ndim < 2 or attribute == "bias" or attribute.startswith("bias_") or attribute.endswith("_bias"):
        return "vector"
    return "matrix"


def _layers(model: nn.Module, found: Sequence[_Found]) -> list[str]:
    """The layer of each parameter; what has no weight of its own joins the layer before, or else the first."""
    lists: dict[nn.Module, bool] = {}
    own = [_layer(model, entry.names[0], lists) for entry in found]
    weighty = {layer for layer, entry in zip(own, found, strict=True) if entry.role in ("matrix", "embedding")}
    current = next((layer for layer in own if layer in weighty), "")
    layers = []
    for layer in own:
        current = layer if layer in weighty else current
        layers.append(current)
    return layers


def _layer(model: nn.Module, name: str, lists: dict[nn.Module, bool]) -> str:
    """The layer of a parameter; `lists` remembers which modules have several children with parameters."""
    owners = name.split(".")[:-1]
    module = model
    for depth, attribute in enumerate(owners):
        if attribute.isdigit():
            if module not in lists:
                lists[module] = sum(any(True for _ in child.parameters()) for child in module.children()) > 1
            if lists[module]:
                return ".".join(owners[: depth + 1])
        module = getattr(module, attribute)
    return ".".join(owners)


def _matching(pattern: str, found: Sequence[_Found], index: int) -> set[int]:
    """Ids of the parameters with a name that matches."""
    matched = {id(e.parameter) for e in found if any(fnmatchcase(name, pattern) for name in e.names)}
    if not matched:
        names = [name for e in found for name in e.names]
        prefixes = dict.fromkeys(".".join(n.split(".")[:i]) + ".*" for n in names for i in range(1, n.count(".") + 1))
        near = difflib.get_close_matches(pattern, [*prefixes, *names], n=3, cutoff=0.3) or names[:3]
        raise RecipeError(
            f"`parameters.overrides.{index}.pattern` must match the name of a parameter, got {pattern!r}. "
            f"Nearest: {', '.join(near)}"
        )
    return matched
