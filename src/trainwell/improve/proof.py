"""Step 10: before against after on fresh seeds and the test data, read once; the verdict and its sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

from trainwell.improve.decision import chance, shown, signed
from trainwell.improve.session import PROOF, Job, Session
from trainwell.recipe import Recipe
from trainwell.records import Arm, Difference, Verdict, write_atomically
from trainwell.report.wording import is_share
from trainwell.stats import Interval, PairedResult, mean_interval, paired_difference, verdict
from trainwell.train import Run
from trainwell.train.finish import save_weights
from trainwell.train.test_split import examples_interval, measure_test

_MARGIN_POINTS = 0.01  # difference of a share that counts as none: one point
_MARGIN_RATIO = 0.02  # of the starting recipe's value, for other metrics
_NOISE = 1e-6
_OVERRUN = 0.05  # of the budget, which the last pairs of the proof may take
_SAFETY = 1.4  # pairs that are begun together must all end in time
_LOOKS = 3  # at the clock at least, where time is short: what a run costs changes on a busy machine


def proof_step(session: Session) -> None:
    """Train both recipes on fresh seeds and compare them on the test split."""
    session.begin("proof")
    assert session.horizon is not None
    if session.problem.test is None:
        session.log("Proof", skipped="The problem has no test data: nothing can be proved.")
        session.update(sentence="Nothing is claimed: the problem has no test data.")
        return
    unchanged = session.recipe == session.start
    seeds = session.seeds(PROOF, session.horizon.proof_seeds)
    before, after = _train_pairs(session, seeds, unchanged)
    session.tell(0.97, "reading the test data")
    metric = session.facts.metric
    measured_before = [measure_test(run, session.problem) for run in before]
    measured_after = measured_before if unchanged else [measure_test(run, session.problem) for run in after]
    first, second = [m.value for m in measured_before], [m.value for m in measured_after]
    done = seeds[: len(before)]
    result = paired_difference(
        first, second, higher_is_better=session.facts.higher_is_better, worst=chance(session.facts), noise=_NOISE
    )
    margin = _MARGIN_POINTS if is_share(session.facts.metric) else _MARGIN_RATIO * abs(_finite_mean(first))
    over_examples = None if unchanged else examples_interval(session.problem, measured_before, measured_after)
    said: Verdict = "as good as"
    if not unchanged:
        said = verdict(result, margin if margin > 0 else None, session.facts.higher_is_better)
    if said in ("better", "worse") and over_examples is not None and not over_examples.excludes(0):
        said = "cannot tell"
    arms = (_arm(session, session.start, done, first, before), _arm(session, session.recipe, done, second, after))
    changes = tuple(str(change) for change in session.start.diff(session.recipe))
    sentence = statement(session, said, arms, result, over_examples, margin, changes)
    session.update(
        before=arms[0],
        after=arms[1],
        difference=Difference(
            result.mean,
            None if result.interval is None else (result.interval.low, result.interval.high),
            result.p_value,
            result.n,
            result.method,
            None if over_examples is None else (over_examples.low, over_examples.high),
        ),
        verdict=said,
        margin=margin,
        sentence=sentence,
        recipe_after=session.recipe.to_dict(),
        changes=changes,
    )
    _export(session, after)
    session.log(
        "Proof",
        tried=f"Starting recipe against {'itself (no change was kept)' if unchanged else 'the best recipe'} "
        f"on {len(done)} fresh seeds; test data read once.",
        effect=f"test {metric} {signed(session.facts, result.mean)}" + _bounds(session, result),
        decision=f"Verdict: {said}. {sentence}",
    )


def _train_pairs(session: Session, seeds: Sequence[int], unchanged: bool) -> tuple[list[Run], list[Run]]:
    """Train pairs together; where time runs out the pairs done count (time does not look at the outcome)."""
    arms = [(session.start, "before")] if unchanged else [(session.start, "before"), (session.recipe, "after")]
    runs: list[Run] = []
    done = 0
    while done < len(seeds):
        left = session.budget.left + _OVERRUN * session.budget.total
        affordable = int(left / (len(arms) * session.run_seconds * _SAFETY))
        if done and not affordable:
            break
        part = seeds[done : done + max(1, affordable // _LOOKS)]
        jobs = [Job(recipe, seed, purpose) for seed in part for recipe, purpose in arms]
        runs += session.train(jobs, "fresh seeds", of=(done / len(part), len(seeds) / len(part)))
        done += len(part)
    return runs[:: len(arms)], runs[len(arms) - 1 :: len(arms)]


def statement(
    session: Session,
    said: str,
    arms: tuple[Arm, Arm],
    result: PairedResult,
    over_examples: Interval | None,
    margin: float,
    changes: tuple[str, ...],
) -> str:
    """The sentence that may be claimed, with its scope."""
    facts = session.facts
    sizes = "/".join(f"{facts.examples.get(s, 0):,}" for s in ("train", "val", "test"))
    length = f"{session.start.steps} steps" if session.start.steps else f"{session.record.epochs:g} epochs"
    scope = f"On {facts.name} ({sizes} examples for train/val/test), trained for {length}"
    limits = (
        "This holds for this split, this model and this length of training; nothing is claimed about other data, "
        "other lengths, or the optimizer in general."
    )
    first, second = arms
    if not changes:
        value = "" if first.mean is None else f" (test {facts.metric} {_with_interval(session, first)})"
        return f"{scope}, no change of the starting recipe was found to be better, so it is kept{value}. {limits}"
    numbers = (
        f"test {facts.metric} {_with_interval(session, second)} after, {_with_interval(session, first)} before; "
        f"difference {signed(facts, result.mean)}{_bounds(session, result)}"
    )
    match said:
        case "better" | "worse":
            return f"{scope}, the changed recipe is {said} than the starting one: {numbers}. {limits}"
        case "as good as":
            within = _size(session, margin)
            return f"{scope}, the changed recipe is as good as the starting one within {within}: {numbers}. {limits}"
    why = f" ({result.refusal})" if result.refusal else ""
    if result.interval is not None and result.interval.excludes(0) and over_examples is not None:
        low, high = signed(facts, over_examples.low), signed(facts, over_examples.high)
        why = (
            f" (consistent over seeds, but with {facts.examples.get('test', 0):,} test examples it could be luck of "
            f"the split: 90 % interval over redrawn examples {low} to {high})"
        )
    return f"{scope}, it cannot be told which recipe is better{why}: {numbers}. {limits}"


def _size(session: Session, margin: float) -> str:
    return f"{100 * margin:g} points" if is_share(session.facts.metric) else f"{margin:.3g}"


def _bounds(session: Session, result: PairedResult) -> str:
    if result.interval is None:
        return ""
    low, high = (signed(session.facts, v) for v in (result.interval.low, result.interval.high))
    p = "" if result.p_value is None else f", sign-flip p = {result.p_value:.2g}"
    return f" (95 % interval {low} to {high}, paired over {result.n} fresh seeds{p})"


def _with_interval(session: Session, arm: Arm) -> str:
    if arm.mean is None:
        return "not finite (all runs diverged)"
    text = shown(session.facts, arm.mean)
    if arm.interval is None:
        return text
    return f"{text} [{shown(session.facts, arm.interval[0])}, {shown(session.facts, arm.interval[1])}]"


def _arm(session: Session, recipe: Recipe, seeds: Sequence[int], measured: Sequence[float], runs: Sequence[Run]) -> Arm:
    finite = [v for v in measured if math.isfinite(v)]
    estimate = mean_interval(finite) if finite else None
    interval = (
        None if estimate is None or estimate.interval is None else (estimate.interval.low, estimate.interval.high)
    )
    return Arm(
        recipe=recipe.to_dict(),
        seeds=tuple(seeds),
        values=tuple(measured),
        mean=None if estimate is None else estimate.mean,
        interval=interval,
        n=len(finite),
        folders=tuple(session.relative(run) for run in runs),
    )


def _finite_mean(measured: Sequence[float]) -> float:
    finite = [v for v in measured if math.isfinite(v)]
    return sum(finite) / len(finite) if finite else math.nan


def _export(session: Session, runs: Sequence[Run]) -> None:
    """Write the recipe, and the weights of the proof run with the best validation value (not the best test value)."""
    sign = 1 if session.facts.higher_is_better else -1
    usable = [run for run in runs if not run.diverged and math.isfinite(run.best_metric())]
    write_atomically(session.folder / "recipe.toml", session.recipe.to_toml())
    if usable:
        best = max(usable, key=lambda run: sign * run.best_metric())
        save_weights(session.folder / "weights.safetensors", dict(best.stored_weights()))
