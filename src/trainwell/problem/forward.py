"""Call a model on a batch, whatever its inputs and outputs look like, and check what comes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from trainwell.data.examples import Examples, Inputs, tensors_of
from trainwell.errors import ProblemError
from trainwell.records import Task


@dataclass(frozen=True)
class Outputs:
    """What a forward pass returned: scores (or predicted numbers), and a loss where the model computes its own."""

    scores: Tensor | None
    loss: Tensor | None = None


def call(model: nn.Module, inputs: Inputs) -> Any:
    """Call a model: a tensor as its argument, a tuple as its arguments, a dict as its keywords."""
    if isinstance(inputs, Tensor):
        return model(inputs)
    return model(**inputs) if isinstance(inputs, dict) else model(*inputs)


def read_outputs(returned: Any, *, own_loss: bool = False) -> Outputs:
    """Read scores and loss off what a model returned: a tensor, a tuple, a dict or an object with `logits` and `loss`.

    Args:
        returned: What the model's forward returned.
        own_loss: Whether a bare tensor, or the first of a tuple, is the loss.
    """
    if isinstance(returned, Tensor):
        return Outputs(None, returned) if own_loss else Outputs(returned)
    if isinstance(returned, Mapping):
        named: Mapping[str, Any] = returned
    elif hasattr(returned, "logits") or hasattr(returned, "loss"):
        named = {key: getattr(returned, key, None) for key in ("logits", "loss")}
    elif isinstance(returned, tuple | list) and returned and isinstance(returned[0], Tensor):
        second = returned[1] if len(returned) > 1 and isinstance(returned[1], Tensor) else None
        return Outputs(second, returned[0]) if own_loss else Outputs(returned[0])
    else:
        raise ProblemError(
            f"`model` must return a tensor, a tuple, or a dict with logits or loss, got {type(returned).__name__}. "
            "Return the scores"
        )
    scores = next((named[key] for key in ("logits", "scores", "output", "predictions") if _is_tensor(named, key)), None)
    return Outputs(scores, named.get("loss"))


def forward(model: nn.Module, batch: Examples) -> Outputs:
    """Run a batch through a model."""
    return read_outputs(call(model, batch.inputs), own_loss=batch.targets is None)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model into eval mode without gradients, and every module back into the mode it had."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def check_output(model: nn.Module, batch: Examples, task: Task, classes: int | None) -> tuple[int, ...]:
    """Run a few examples through a model and refuse outputs that do not suit the targets.

    Returns:
        Shape of the scores; empty where the model returns only its loss.

    Raises:
        ProblemError: If the model fails on the inputs, or its output has the wrong shape.
    """
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    batch = batch.to(device)
    try:
        with evaluating(model):
            outputs = forward(model, batch)
    except ProblemError:
        raise
    except Exception as error:
        raise ProblemError(_failed(error, batch)) from error
    if batch.targets is None:
        if outputs.loss is None or outputs.loss.numel() != 1:
            raise ProblemError(
                "`model` must return its loss as one number where the problem has no targets, got none. "
                "Return {'loss': ...}, or give targets"
            )
        return () if outputs.scores is None else tuple(outputs.scores.shape)
    if outputs.scores is None:
        got_only = "neither scores nor a loss" if outputs.loss is None else "a loss only"
        raise ProblemError(f"`model` must return its scores, got {got_only}. Add 'logits' to what it returns")
    got = tuple(outputs.scores.shape)
    wanted = _wanted(got, tuple(batch.targets.shape), task, classes)
    if wanted:
        raise ProblemError(f"`model` must return {wanted}, got shape {got} for {len(batch)} examples. {_REMEDY[task]}")
    return got


_REMEDY: dict[Task, str] = {
    "multiclass": "Set the width of its last layer, or pass classes=",
    "binary": "Set the width of its last layer to 1 or 2, or pass classes= where the labels should hold more classes",
    "multilabel": "Set the width of its last layer to the number of labels",
    "regression": "Set the width of its last layer to the number of targets, or give class labels as whole numbers",
    "sequence": "Put the vocabulary last, (N, T, V)",
    "custom": "",
}


def _wanted(got: tuple[int, ...], targets: tuple[int, ...], task: Task, classes: int | None) -> str:
    """What the output should have been, in words; empty if it is right."""
    n, k = targets[0], classes or 0
    match task:
        case "multiclass":
            return "" if len(got) == 2 and got[0] == n and got[1] >= k else f"a score for each class, ({n}, {k})"
        case "binary":
            return "" if got in ((n,), (n, 1), (n, 2)) else f"one logit or two scores, ({n}, 1) or ({n}, 2)"
        case "multilabel":
            return "" if got == targets else f"a logit for each label, {targets}"
        case "regression":
            right = got == targets or (len(targets) == 1 and got == (n, 1))
            return "" if right else f"a number for each target, {(n, 1) if len(targets) == 1 else targets}"
        case "sequence":
            right = len(got) == 3 and got[:2] == targets and got[2] >= k
            return "" if right else f"a score for each token, ({n}, {targets[1]}, {k})"
        case _:
            return ""


def _failed(error: Exception, batch: Examples) -> str:
    shapes = ", ".join(f"{tuple(t.shape)} {str(t.dtype).removeprefix('torch.')}" for t in tensors_of(batch.inputs))
    first_line = str(error).strip().splitlines()[0] if str(error).strip() else "no message"
    remedy = "Check the sizes of its layers against the inputs"
    if any(t.dtype == torch.int64 for t in tensors_of(batch.inputs)) and "dtype" in str(error):
        remedy = "Whole numbers are taken for tokens; for a table of numbers pass X.astype('float32')"
    return f"`model` must accept inputs {shapes}, got {type(error).__name__}: {first_line}. {remedy}"


def _is_tensor(named: Mapping[str, Any], key: str) -> bool:
    return isinstance(named.get(key), Tensor)
