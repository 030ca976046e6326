"""Rules: pure functions from a run's record to findings, each with a name, a severity and a page.

A fault has one name, whether it shows in the record of our own trainer or in what the tracer saw of a program.
Where the two are told by different signals, the rule has two checks: one in a family here, one in
`diagnose.program`, which is asked instead for records with a trace.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from trainwell.errors import UnknownNameError
from trainwell.records import Finding, RunRecord, Severity

Check = Callable[[RunRecord], Iterable[Finding]]
_PROGRAM = "trainwell.diagnose.program."


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
        """Of the module or package that holds it: data, model, loss, optimization, generalization, ..."""
        _, _, place = self.check.__module__.rpartition("diagnose.")
        return place.removeprefix("program.").partition(".")[0]


RULES: dict[str, Rule] = {}


def rule(name: str, severity: Severity, *, explains: Iterable[str] = ()) -> Callable[[Check], Check]:
    """Register a function as a rule; its docstring is the rule's page."""

    def register(check: Check) -> Check:
        known = RULES.get(name)
        if known is None:
            RULES[name] = Rule(name, severity, check, tuple(explains))
            return check
        if _of_program(known.check) or not _of_program(check) or severity != known.severity:
            raise ValueError(f"the rule {name} must be defined once (or once more for programs, with one severity)")
        both = tuple(dict.fromkeys([*known.explains, *explains]))
        RULES[name] = Rule(name, severity, _for_either(known.check, check), both)
        return check

    return register


def _of_program(check: Check) -> bool:
    return check.__module__.startswith(_PROGRAM)


def _for_either(own: Check, traced: Check) -> Check:
    """One check that asks the second where there is a trace; its page says both."""

    @functools.wraps(own)
    def check(run: RunRecord) -> Iterable[Finding]:
        return own(run) if run.trace is None else traced(run)

    sections = inspect.cleandoc(traced.__doc__ or "").split("\n## ")
    named = [text.partition("\n")[2] for text in sections if text.startswith("What it checks")]
    seen = named[0] if named else sections[0]
    page = inspect.cleandoc(own.__doc__ or "")
    check.__doc__ = f"{page}\n\n## What it checks in an observed program\n{seen.rstrip()}"
    return check


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
