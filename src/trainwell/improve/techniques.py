"""Steps 5 to 8: techniques that the recipe lacks, each as one controlled experiment, in the time that is left.

What is tried follows from what the runs show: what regularises is tried where the network fits the training data
better than the validation data, the rest always. An experiment whose first seeds are all worse ends there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from trainwell.improve.budget import BASELINE_SEEDS
from trainwell.improve.remedies import experiment
from trainwell.improve.search import nearby, search
from trainwell.improve.session import Session
from trainwell.records import RunRecord
from trainwell.report.wording import is_share

_SAFETY = 1.25
_GAP_OF_SHARE = 0.01  # one point
_GAP_RATIO = 0.05


@dataclass(frozen=True)
class Technique:
    """A change that often helps, and why it may here."""

    title: str
    change: dict[str, Any]
    reason: str


def techniques_step(session: Session) -> None:
    """Try what the recipe lacks, the most likely to help first, until the time for the proof."""
    session.begin("techniques")
    begun_with = session.recipe
    gap = overfits(session)
    tried = 0
    for technique in techniques(session, gap):
        needed = _SAFETY * BASELINE_SEEDS * session.run_seconds
        if session.search_time_left < needed:
            session.log(technique.title, skipped="No time left for this experiment.")
            return
        experiment(session, technique.title, technique.change, seen=technique.reason, screened=True, of=(tried, 8))
        tried += 1
    if not tried:
        session.log("Techniques", skipped="The recipe has all that would be tried here.")
    if session.recipe != begun_with:
        search(session, "Second search", nearby(session))  # other techniques may want another rate


def techniques(session: Session, overfitting: bool) -> Iterator[Technique]:
    """What the recipe and the model lack, in the order of trial; asked again after each experiment."""
    knobs = session.problem.knobs()

    def knob(name: str) -> Any:
        return session.recipe.model.get(name, knobs.get(name))

    if session.recipe.schedule.name == "constant":
        yield Technique(
            "Schedule",
            {"schedule": {"name": "cosine", "warmup_share": 0.05}},
            "The rate stays constant to the end; a falling one usually ends lower.",
        )
    if knob("norm") == "none":
        yield Technique("Normalisation", {"model.norm": "batch"}, "The model offers normalisation and has none.")
    if overfitting:
        yield from _regularisers(session, knob("dropout"))
    if session.recipe.averaging.name == "none":
        yield Technique("Average of weights", {"averaging": "ema"}, "Weights of single steps are noisy.")


def _regularisers(session: Session, dropout: Any) -> Iterator[Technique]:
    why = "The network fits the training data better than the validation data."
    kind = session.problem.input_kind
    if not session.recipe.augmentation and kind in ("image", "table"):
        yield Technique("Augmentation", {"augmentation": ["crop" if kind == "image" else "noise"]}, why)
    if dropout == 0:
        yield Technique("Dropout", {"model.dropout": 0.2}, why)
    if session.problem.task == "multiclass" and session.recipe.loss.label_smoothing == 0:
        yield Technique("Label smoothing", {"loss.label_smoothing": 0.1}, why)


def overfits(session: Session) -> bool:
    """Whether the best runs are better on the training split than on the validation split by more than chance.

    For shares chance is two standard errors of a share of the validation examples.
    """
    gaps = [gap for run in session.best_runs if (gap := _gap(run)) is not None]
    if not gaps:
        return False
    level = _level(session.best_runs)
    if is_share(session.facts.metric):
        examples = session.best_runs[0].evaluations("val").rows[-1].examples
        least = max(_GAP_OF_SHARE, 2 * math.sqrt(max(0.0, level * (1 - level)) / max(1, examples)))
    else:
        least = _GAP_RATIO * level
    return sum(gaps) / len(gaps) > least


def _gap(run: RunRecord) -> float | None:
    """Training metric beyond the validation metric at the last evaluation, higher is better."""
    train, val = run.evaluations("train").rows, run.evaluations("val").rows
    if run.diverged or not train or not val:
        return None
    metric = run.problem.metric
    difference = train[-1].metrics.get(metric, float("nan")) - val[-1].metrics.get(metric, float("nan"))
    if difference != difference:
        return None
    return difference if run.problem.higher_is_better else -difference


def _level(runs: Sequence[RunRecord]) -> float:
    values = [abs(v) for run in runs if (v := run.best_metric()) == v]
    return sum(values) / max(1, len(values))
