"""Where the user's program made things: modules, initial weights, the switch to eval mode, operations of a forward."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from trainwell.probes.place import Site, is_user, site

if TYPE_CHECKING:
    from trainwell.probes.patch import Function
    from trainwell.probes.state import ModelState
    from trainwell.probes.tracer import Tracer

MOST_SITES = 20_000
_CUTS = ("detach", "item", "numpy", "tolist", "argmax")
_FAST_PATH = (nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerEncoder)


def install(tracer: Tracer) -> None:
    """Watch construction of modules, `nn.init`, `eval()` and `torch.compile`."""
    is_compiling = torch.compiler.is_compiling

    def made(original: Function) -> Function:
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not is_compiling() and tracer.here and len(tracer.made_modules) < MOST_SITES:
                try:
                    tracer.made_modules[id(self)] = (weakref.ref(self), _construction(self))
                except Exception as error:
                    tracer.failed("module", error)
            return original(self, *args, **kwargs)

        return wrapper

    def initialised(original: Function) -> Function:
        def wrapper(tensor: Any, *args: Any, **kwargs: Any) -> Any:
            if not is_compiling() and tracer.here and isinstance(tensor, torch.Tensor):
                frame = sys._getframe(1)
                if is_user(frame.f_code) and len(tracer.made_weights) < MOST_SITES:
                    tracer.made_weights[tensor.data_ptr()] = (frame.f_code.co_filename, frame.f_lineno)
            return original(tensor, *args, **kwargs)

        return wrapper

    def evaluating(original: Function) -> Function:
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not is_compiling() and tracer.here:
                mode = args[0] if args else kwargs.get("mode", True)
                frame = sys._getframe(1)
                if not mode and frame.f_code is nn.Module.eval.__code__ and frame.f_back is not None:
                    frame = frame.f_back
                if not mode and is_user(frame.f_code) and len(tracer.made_still) < MOST_SITES:
                    tracer.made_still[id(self)] = (frame.f_code.co_filename, frame.f_lineno)
            return original(self, *args, **kwargs)

        return wrapper

    def compiled(original: Function) -> Function:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            tracer.compiles = True
            return original(*args, **kwargs)

        return wrapper

    tracer.patches.wrap(nn.Module, "__init__", made)
    tracer.patches.wrap(nn.Module, "train", evaluating)
    tracer.patches.wrap(nn.Module, "compile", compiled)
    tracer.patches.wrap(torch, "compile", compiled)
    for name in ("constant_", "zeros_", "ones_", "normal_", "uniform_", "eye_", "kaiming_normal_", "xavier_normal_"):
        tracer.patches.wrap(nn.init, name, initialised)


def _construction(module: Any) -> Site | None:
    """The line that makes a module: past the constructors of its own classes."""
    own = {vars(kind)["__init__"].__code__ for kind in type(module).__mro__ if _is_python(vars(kind).get("__init__"))}
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and (frame.f_code in own or not is_user(frame.f_code)):
        frame = frame.f_back
    return None if frame is None else (frame.f_code.co_filename, frame.f_lineno)


def _is_python(function: Any) -> bool:
    return hasattr(function, "__code__")


def made_at(tracer: Tracer, identity: int) -> Site | None:
    """Where a module was made; None if it was before observation, or copied."""
    known = tracer.made_modules.get(identity)
    return known[1] if known is not None and known[0]() is not None else None


# -- operations of one forward --------------------------------------------------------------------------------------


class Lines(TorchFunctionMode):
    """Notes at each node of the graph which line of the user's called for it, and where its layer was made."""

    def __init__(self, tracer: Tracer, model: ModelState) -> None:
        super().__init__()
        self.tracer, self.model = tracer, model

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        try:
            self._note(func, args, result)
        except Exception as error:
            self.tracer.failed("lines", error)
        return result

    def _note(self, func: Any, args: Any, result: Any) -> None:
        name = getattr(func, "__name__", "")
        if name in _CUTS or name == "__get__":
            if len(self.model.cuts) < 20 and args and isinstance(args[0], torch.Tensor) and args[0].requires_grad:
                if name in _CUTS:
                    self.model.cuts.setdefault(name, site(3))
                elif isinstance(result, torch.Tensor) and not result.requires_grad:
                    self.model.cuts.setdefault("data", site(3))
            return
        if not torch.is_grad_enabled():
            if "no_grad" not in self.model.cuts:
                self.model.cuts["no_grad"] = site(3)
            return
        if not isinstance(result, torch.Tensor):
            return
        node: Any = result.grad_fn
        if node is not None and "trainwell_line" not in node.metadata:
            with self.tracer.governor:
                node.metadata["trainwell_line"] = (site(3), self._layer())

    def _layer(self) -> Site | None:
        """Where the library's module was made whose forward is running; None where the user's line calls it itself."""
        owners = [
            owner
            for frame in _library_frames(4)
            if frame.f_code.co_name == "forward" and isinstance(owner := frame.f_locals.get("self"), nn.Module)
        ]
        return made_at(self.tracer, id(owners[0])) if len(owners) > 1 else None


def _library_frames(depth: int) -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None and not is_user(frame.f_code):
        yield frame
        frame = frame.f_back


def lines(tracer: Tracer, model: ModelState, module: nn.Module) -> AbstractContextManager[Any]:
    """The mode for one forward; nothing where it could change which kernels run (compiled parts, fast paths)."""
    for layer in module.modules():
        if hasattr(layer, "_orig_mod") or (isinstance(layer, _FAST_PATH) and not layer.training):
            return nullcontext()
    if tracer.compiles:
        return nullcontext()
    return Lines(tracer, model)
