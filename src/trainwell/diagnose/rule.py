"""Rules: pure functions from a run's record to findings, each with a name, a severity and a page."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from trainwell.errors import UnknownNameError
from trainwell.records import Finding, RunRecord, Severity

Check = Callable[[RunRecord], Iterable[Finding]]


@dataclass(frozen=True)
class Rule:
    """One fault that can be recognised.

    Attributes:
        name: Public id; never changes once shipped.
        severity: Of its findings, unless a finding says milder.
        explains: Rules whose findings are symptoms of this one.
        page: The text of `trainwell explain NAME`, from the function's docstring.
    """

    name: str
    severity: Severity
    check: Check
    explains: tuple[str, ...] = ()

    @property
    def page(self) -> str:
        """What it checks, why it matters, what to try, when it is wrong, source."""
        return inspect.cleandoc(self.check.__doc__ or "")

    @property
    def family(self) -> str:
        """Name of the module that holds it: data, model, loss, optimization, generalization, ..."""
        return self.check.__module__.rpartition(".")[2]


RULES: dict[str, Rule] = {}


def rule(name: str, severity: Severity, *, explains: Iterable[str] = ()) -> Callable[[Check], Check]:
    """Register a function as a rule; its docstring is the rule's page."""

    def register(check: Check) -> Check:
        if name in RULES:
            raise ValueError(f"the rule {name} must be defined once")
        RULES[name] = Rule(name, severity, check, tuple(explains))
        return check

    return register


def selected(select: Iterable[str] = (), ignore: Iterable[str] = ()) -> Iterator[Rule]:
    """The rules that a selection leaves; none selected means all.

    Raises:
        UnknownNameError: If a name is no rule.
    """
    chosen, dropped = list(select), set(ignore)
    for name in [*chosen, *dropped]:
        if name not in RULES:
            raise UnknownNameError("rule", name, RULES)
    for name, entry in RULES.items():
        if (not chosen or name in chosen) and name not in dropped:
            yield entry
