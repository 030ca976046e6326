"""`watch`: the same observation around one's own loop, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType

import torch
from torch import nn

from trainwell.check import record
from trainwell.check.rank import findings_of
from trainwell.diagnose.program import load_rules
from trainwell.errors import UsageError
from trainwell.probes.tracer import Tracer
from trainwell.records import Finding, RunRecord


class Watcher:
    """Observes training while its `with` block runs; `findings` may be read inside and after it."""

    def __init__(
        self,
        model: nn.Module | None = None,
        optimizer: torch.optim.Optimizer | Iterable[torch.optim.Optimizer] | None = None,
        loss_fn: Callable[..., torch.Tensor] | None = None,
        *,
        select: Iterable[str] = (),
        ignore: Iterable[str] = (),
    ) -> None:
        load_rules()
        self._select, self._ignore = tuple(select), tuple(ignore)
        self._model, self._loss_fn = model, loss_fn
        given = [optimizer] if isinstance(optimizer, torch.optim.Optimizer) else list(optimizer or ())
        for entry in given:
            if not isinstance(entry, torch.optim.Optimizer):
                raise UsageError(f"`optimizer` must be a torch optimizer, got {type(entry).__name__}")
        self._optimizers = given
        self._tracer = Tracer()

    def __enter__(self) -> Watcher:
        self._tracer.install()
        self._tracer.know(self._model, self._optimizers)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tracer.finished = kind is None
        self._tracer.finish()
        self._tracer.close()

    @property
    def run(self) -> RunRecord:
        """What was seen so far, as a run's record."""
        return record.run_of(self._tracer.record(), "watched")

    @property
    def findings(self) -> list[Finding]:
        """What is wrong so far, the most important first."""
        return findings_of(self.run, self._select, self._ignore)[0]

    def report(self) -> str:
        """The findings as text."""
        from trainwell.check.formats import as_text
        from trainwell.check.run import CheckResult, ProgramFacts

        run = self.run
        found, notes = findings_of(run, self._select, self._ignore)
        missing = record.unseen([run], "completed")
        return as_text(CheckResult(tuple(found), ProgramFacts("this program"), (run,), (*missing, *notes)))


def watch(
    model: nn.Module | None = None,
    optimizer: torch.optim.Optimizer | Iterable[torch.optim.Optimizer] | None = None,
    loss_fn: Callable[..., torch.Tensor] | None = None,
    *,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
) -> Watcher:
    """Observe the training inside a `with` block.

    Args:
        model: The model, if it is already made; models are also found when they are called.
        optimizer: One or more optimizers; they are also found when they step.
        loss_fn: Accepted for symmetry; losses are found when they are called.
        select: Rules to apply; none means all.
        ignore: Rules to leave out.

    Returns:
        A context manager with `findings`, `run` and `report()`.

    Raises:
        UsageError: If an optimizer is not one of torch's.
    """
    return Watcher(model, optimizer, loss_fn, select=select, ignore=ignore)
