"""Step 1: audit the data; an error finding stops everything unless it was allowed."""

from __future__ import annotations

import torch

from trainwell.diagnose import diagnose_data, flattened
from trainwell.errors import DataStop
from trainwell.improve.session import Session
from trainwell.records import Finding
from trainwell.train.assembly import describe
from trainwell.train.knowledge import baseline_facts, data_facts


def audit_step(session: Session) -> None:
    """Look at the data before any training.

    Raises:
        DataStop: If a rule found an error that `--allow` does not name.
    """
    session.begin("audit")
    data = data_facts(session.problem)
    baselines = baseline_facts(session.problem)
    with torch.random.fork_rng(devices=[]):
        model = describe(session.problem.build(session.start.model))
    findings = diagnose_data(session.facts, data, session.start.to_dict(), baselines, model_facts=model)
    session.update(data=data, baselines=baselines)
    session.add_findings(findings)
    errors = [f for f in flattened(findings) if f.severity == "error" and f.rule not in session.allow]
    sizes = ", ".join(f"{n:,} {split}" for split, n in session.facts.examples.items())
    session.log(
        "Audit of the data",
        seen=f"{sizes} examples. " + (_listed(findings) or "No fault found."),
        decision="Stop: " + "; ".join(f"{f.rule}: {f.remedy.text}" for f in errors) if errors else "Go on.",
        findings=tuple(findings),
    )
    if errors:
        session.update(
            status="stopped",
            sentence=f"Nothing was trained: the data have an error ({', '.join(f.rule for f in errors)}). "
            "A result on them would prove nothing.",
        )
        lines = [f"{f.rule}: {f.message} {f.remedy.text}" for f in errors]
        names = " ".join(f"--allow {f.rule}" for f in errors)
        raise DataStop(
            "the data have an error finding.\n  " + "\n  ".join(lines) + f"\n  To go on all the same: {names}",
            [f.rule for f in errors],
        )


def _listed(findings: list[Finding]) -> str:
    return " ".join(f"[{f.severity}] {f.rule}: {f.message}" for f in findings)
