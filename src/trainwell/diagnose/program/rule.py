"""Registers rules that read traces; where a rule of that name reads records already, each reads its own kind of run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import replace

from trainwell.diagnose.rule import RULES, Check
from trainwell.diagnose.rule import rule as new_rule
from trainwell.records import Finding, RunRecord, Severity


def rule(name: str, severity: Severity, *, explains: Iterable[str] = ()) -> Callable[[Check], Check]:
    """Register a rule on traces.

    If the name is taken by a rule that reads recipes and curves, runs with a trace are read by this function and the
    others by that rule; the page stays that rule's.
    """

    def register(check: Check) -> Check:
        known = RULES.get(name)
        if known is None:
            return new_rule(name, severity, explains=explains)(check)

        @functools.wraps(known.check)
        def either(run: RunRecord) -> Iterable[Finding]:
            return known.check(run) if run.trace is None else check(run)

        RULES[name] = replace(known, check=either, explains=tuple(dict.fromkeys((*known.explains, *explains))))
        return check

    return register
