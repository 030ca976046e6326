"""The tracer's own costs: how much of the time it has used, and whether a costly look may be taken now."""

from __future__ import annotations

from time import perf_counter, thread_time
from types import TracebackType


class Governor:
    """Keeps costly looks under a share of the time under observation.

    A fixed allowance pays for the first looks, which see most of what there is to see; later ones must fit in
    the share.
    """

    def __init__(self, share: float = 0.008, allowance: float = 0.35) -> None:
        self.share = share
        self.allowance = allowance
        self.own = 0.0
        self.start = perf_counter()
        self._entered = 0.0
        self._depth = 0

    @property
    def elapsed(self) -> float:
        """Time under observation. [seconds]"""
        return perf_counter() - self.start

    def allows(self, factor: float = 1.0) -> bool:
        """Whether a costly look fits in the budget; `factor` widens the allowance for looks that matter most."""
        return self.own < self.allowance * factor + self.share * (perf_counter() - self.start)

    def __enter__(self) -> Governor:
        if self._depth == 0:
            self._entered = thread_time()
        self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._depth == 0:
            self.own += thread_time() - self._entered
