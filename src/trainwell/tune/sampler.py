"""Where points come from: designs that do not look at results, and samplers that do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from trainwell.errors import UsageError, unknown_name
from trainwell.records.study import Look
from trainwell.space import Space
from trainwell.tune.draws import Method, draw
from trainwell.tune.focus import Focus

DESIGNS = ("sobol", "halton", "random", "grid")
OPTUNA = ("tpe", "gp", "cmaes")
METHODS = (*DESIGNS, "focus", *OPTUNA)


class Sampler(Protocol):
    """Gives points and hears what came of them."""

    adaptive: bool
    facts: Mapping[str, Any]

    def ask(self, first: int, count: int) -> list[dict[str, Any]]:
        """Points of the trials `first`, `first` + 1, ...; fewer where there are no more."""

    def tell(self, looks: Sequence[Look]) -> None:
        """Hear the last looks at trials that have ended."""


class Design:
    """Points that do not depend on results.

    Args:
        trials: Size of a grid.
    """

    adaptive = False

    def __init__(self, space: Space, method: Method, seed: int, trials: int | None) -> None:
        self._space, self._method, self._seed = space, method, seed
        self._grid = draw(space, trials or 64, seed=seed, method="grid") if method == "grid" else None
        self.facts: Mapping[str, Any] = (
            {"name": method, "library": "scipy"} if method in ("sobol", "halton") else {"name": method}
        )

    def ask(self, first: int, count: int) -> list[dict[str, Any]]:
        """The points of a design by number."""
        if self._grid is not None:
            return self._grid[first : first + count]
        return draw(self._space, first + count, seed=self._seed, method=self._method)[first:]

    def tell(self, looks: Sequence[Look]) -> None:
        """A design does not listen."""


def sampler_of(space: Space, method: str, seed: int, *, trials: int | None, higher_is_better: bool) -> Sampler:
    """The sampler of a name.

    Raises:
        UsageError: If there is none of the name.
        MissingExtraError: If it needs Optuna and that is not installed.
    """
    if method in DESIGNS:
        return Design(space, method, seed, trials)  # type: ignore[arg-type]
    if method == "focus":
        return Focus(space, seed, higher_is_better=higher_is_better)
    if method in OPTUNA:
        from trainwell.tune.optuna_sampler import OptunaSampler

        found: Sampler = OptunaSampler(space, method, seed, higher_is_better=higher_is_better)
        return found
    raise UsageError(f"`method`: {unknown_name('method of search', method, METHODS)}")
