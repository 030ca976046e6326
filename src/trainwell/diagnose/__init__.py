"""Rules over records: what is wrong with a run, why, and what to do about it. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from trainwell.diagnose import data, generalization, loss, model, optimization
from trainwell.diagnose.program import load_rules
from trainwell.diagnose.ranking import flattened, ranked
from trainwell.diagnose.rule import RULES, Rule, rule, selected
from trainwell.errors import UnknownNameError
from trainwell.records import Baselines, DataFacts, Finding, ModelFacts, ProblemFacts, RunInfo, RunRecord, load_run

__all__ = ["RULES", "Rule", "diagnose", "diagnose_data", "explain", "flattened", "ranked", "rule", "selected"]

CURVE_FAMILIES = (data, model, loss, optimization, generalization)


def diagnose(run: RunRecord | str | Path, select: Iterable[str] = (), ignore: Iterable[str] = ()) -> list[Finding]:
    """Ask the rules what is wrong with a run.

    Args:
        run: A run's record, or the folder of a run; what was not recorded keeps the rules that need it silent.
        select: Names of the only rules to ask; none means all.
        ignore: Names of rules not to ask.

    Returns:
        Causes, gravest first, each with its symptoms. A rule that raises is a bug and is not caught.

    Raises:
        UnknownNameError: If a name is no rule.
        RecordError: If the folder holds no run.
    """
    record = load_run(run) if isinstance(run, str | Path) else run
    return _asked(selected(select, ignore), record)


def diagnose_data(
    problem: ProblemFacts,
    data: DataFacts,
    recipe: Mapping[str, Any] | None = None,
    baselines: Baselines | None = None,
    *,
    model_facts: ModelFacts | None = None,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
) -> list[Finding]:
    """Ask the rules on data before any training.

    Args:
        problem: The problem in plain values.
        data: Its audit.
        recipe: All fields of the recipe to come: what it scales, weights or shuffles keeps rules silent.
        baselines: What simple predictors reach.
        model_facts: The model; without it `unscaled-inputs` is silent, since the model may begin with a norm.
        select: Names of the only rules to ask; none means all on data.
        ignore: Names of rules not to ask.

    Returns:
        As `diagnose`. Rules that need a training find nothing here.

    Raises:
        UnknownNameError: If a name is no rule.
    """
    info = RunInfo(problem=problem, recipe=dict(recipe or {}), seed=0)
    run = RunRecord(info=info, data=data, model_facts=model_facts, baselines=baselines)
    return _asked((entry for entry in selected(select, ignore) if entry.family == "data"), run)


def _asked(rules: Iterable[Rule], run: RunRecord) -> list[Finding]:
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # losses of diverged runs overflow
        return ranked(finding for entry in rules for finding in entry.check(run))


def explain(name: str) -> str:
    """The page of a rule, in Markdown.

    Raises:
        UnknownNameError: If there is no rule of that name; says the nearest.
    """
    if name not in RULES:
        raise UnknownNameError("rule", name, RULES)
    entry = RULES[name]
    causes = sorted(other.name for other in RULES.values() if name in other.explains)
    facts = [f"{entry.severity}, {entry.family}"]
    if entry.explains:
        facts.append(f"may explain {', '.join(sorted(entry.explains))}")
    if causes:
        facts.append(f"may come from {', '.join(causes)}")
    return f"# {name}\n\n*{'; '.join(facts)}*\n\n{entry.page}\n"


load_rules()  # last: they take the names of the rules above for runs with a trace
