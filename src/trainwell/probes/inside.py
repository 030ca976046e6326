"""What runs inside a call of a model: which layers, which of them are strangers, what the first layer gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from trainwell.probes import moments, watch_places
from trainwell.probes.state import CallState, ModelState

if TYPE_CHECKING:
    from trainwell.probes.tracer import Tracer

_LAYERS = (
    nn.Linear,
    nn.Bilinear,
    nn.Embedding,
    nn.EmbeddingBag,
    nn.modules.conv._ConvNd,
    nn.RNNBase,
    nn.RNNCellBase,
    nn.MultiheadAttention,
    nn.LayerNorm,
    nn.GroupNorm,
    _BatchNorm,
    nn.modules.instancenorm._InstanceNorm,
)
NORM = (nn.LayerNorm, nn.GroupNorm, _BatchNorm, nn.modules.instancenorm._InstanceNorm)
_MOST_LOOKS = 12  # at one model


def first_tensor(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor | None:
    """The first tensor of a call's arguments."""
    for value in (*args, *kwargs.values()):
        if isinstance(value, Tensor):
            return value
    for value in (*args, *kwargs.values()):
        inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, tuple | list) else ()
        for part in inner:
            if isinstance(part, Tensor):
                return part
    return None


def due(tracer: Tracer, state: CallState) -> bool:
    """Whether a call is looked into: the first ones with gradients, then ever fewer, as far as the time allows."""
    model = state.model
    if model.compiled or not state.grad or torch._C._functorch.peek_interpreter_stack() is not None:
        return False
    number = state.calls
    if not (number <= 2 or (number & (number - 1)) == 0):
        return False
    return model.looks < _MOST_LOOKS and tracer.governor.allows(2.0 if number <= 2 else 1.0)


def look(
    tracer: Tracer, state: CallState, original: Any, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Run one call with a hook on every module inside."""
    model = state.model
    model.looks += 1
    one = _Look(tracer, model, {id(m) for m in module.modules()}, first_tensor(args, kwargs))
    handle = nn.modules.module.register_module_forward_pre_hook(one.hook)
    try:
        with watch_places.lines(tracer, model, module):
            return original(module, *args, **kwargs)
    finally:
        handle.remove()
        one.end()


class _Look:
    """One look.

    Args:
        registered: Identities of the modules that the model knows of.
        given: What the model was called with.
    """

    def __init__(self, tracer: Tracer, model: ModelState, registered: set[int], given: Tensor | None) -> None:
        self.tracer, self.model, self.registered, self.given = tracer, model, registered, given
        self.layers = 0  # that were seen: none, the first, or more

    def hook(self, layer: nn.Module, inputs: Any, output: Any = None) -> None:
        """Before a module runs."""
        if torch.compiler.is_compiling():
            return
        wanted = torch.is_grad_enabled()
        try:
            with self.tracer.governor, torch._C.DisableTorchFunction(), torch.no_grad():
                self.model.ran.add(id(layer))
                if id(layer) not in self.registered:
                    self._stranger(layer, wanted=wanted)
                if self._at_the_front(layer, inputs):
                    self._batch(layer, inputs)
        except Exception as error:
            self.tracer.failed("look", error)

    def _stranger(self, layer: nn.Module, *, wanted: bool) -> None:
        """A layer that the model does not know of: does anything update it?"""
        model = self.model
        own = list(layer.parameters(recurse=False))
        if not own or id(layer) in model.stray_ids:
            return
        model.stray_ids.add(id(layer))
        trainable = [p for p in own if p.requires_grad]
        owned = any(id(p) in o.ids for p in trainable for o in self.tracer.optimizers.values())
        if trainable and not owned and wanted:
            model.stray[type(layer).__name__] += 1
            model.stray_trainable += len(trainable)
            if model.stray_site is None:
                model.stray_site = watch_places.made_at(self.tracer, id(layer))

    def _at_the_front(self, layer: nn.Module, inputs: Any) -> bool:
        """Note the first layer, what it gets, and whether a normalisation follows; False if it gets a state."""
        if not isinstance(layer, _LAYERS):
            return True
        first = self.model.first_layer
        if self.layers == 1:
            self.layers = 2
            first["norm_follows"] = isinstance(layer, NORM) and not isinstance(layer, nn.LayerNorm)
        if self.layers or not inputs or not isinstance(inputs[0], Tensor):
            return True
        stats = moments.of_inputs(inputs[0])
        if stats.get("same_rows") and self.given is not None and not self._given_same_rows():
            return False  # a state that begins at zero, not the data
        self.layers = 1
        if not first.get("kind"):
            first["kind"] = type(layer).__name__
            first["normalises"] = isinstance(layer, NORM)
            first["integer"] = not inputs[0].is_floating_point()
            first["stats"] = stats
        elif "stats" in first:
            known = first["stats"]
            known["same_rows"] = known.get("same_rows", False) and stats.get("same_rows", False)
            known["non_finite"] = max(known.get("non_finite", 0), stats.get("non_finite", 0))
        return True

    def _given_same_rows(self) -> bool:
        return self.given is None or bool(moments.of_inputs(self.given).get("same_rows", True))

    def _batch(self, layer: nn.Module, inputs: Any) -> None:
        """How many values a batch normalisation averages over."""
        if isinstance(layer, _BatchNorm) and layer.training and inputs:
            x = inputs[0]
            count = x.numel() // max(1, x.shape[1]) if x.ndim > 1 else 1
            self.model.batch_norm_batch = min(self.model.batch_norm_batch or count, count)

    def end(self) -> None:
        """Of layers of the user's own only whether what they get is finite."""
        if not self.layers and not self.model.first_layer and self.given is not None:
            found = moments.of_inputs(self.given)
            self.model.first_layer["stats"] = {k: found[k] for k in ("non_finite", "rows") if k in found}
