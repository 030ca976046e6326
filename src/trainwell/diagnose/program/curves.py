"""Curves of a watched program: rules on losses that need more care there than in our own trainer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from trainwell.diagnose import model
from trainwell.diagnose.curves import Curve, training_curve, trend
from trainwell.diagnose.generalization import credible, fitting, length
from trainwell.diagnose.metric import beats, wilson
from trainwell.diagnose.optimization import rate, stability
from trainwell.diagnose.program.reading import trace_of
from trainwell.diagnose.questions import uninformed_loss
from trainwell.diagnose.rule import rule
from trainwell.records import Finding, Remedy, RunRecord, TraceRecord

_PLAY = ("env", "reward", "rewards", "episode", "gym", "policy", "q_values", "replay", "action", "actions")


@rule("bad-initial-loss", "warning")
def bad_initial_loss(run: RunRecord) -> Iterator[Finding]:
    """For regression only advice, once the loss has come near that of an uninformed guess, or where nothing moves."""
    losses = run.steps.loss
    last = float(np.median(losses[-max(5, len(losses) // 10) :])) if len(losses) else float("nan")
    for finding in model.bad_initial_loss(run):
        recovered = last <= 1.5 * finding.evidence["uninformed_loss"]
        still = (rate.travel(run) or 0.0) < 0.01
        mild = run.problem.task == "regression" and (recovered or still)
        yield replace(finding, severity="advice") if mild else finding


@rule("loss-spikes", "warning")
def loss_spikes(run: RunRecord) -> Iterator[Finding]:
    """Only for one model, one optimizer and a fixed data set, from three jumps and 4 % of the steps lost on."""
    trace = trace_of(run)
    trained = {c.model for c in trace.calls if c.trained}
    words = {w for c in trace.calls if c.trained for w in c.words}
    stepping = [o for o in trace.optimizers if o.steps]
    fixed = any(entry.train and entry.passes >= 2 for entry in trace.loaders)
    if len(trained) != 1 or len(stepping) != 1 or not fixed or words & set(_PLAY):
        return
    for finding in stability.loss_spikes(run):
        lost = int(finding.evidence.get("steps_lost", 0))
        if int(finding.evidence.get("count", 0)) >= 3 and lost >= 0.04 * len(run.steps["loss"]):
            yield finding


@rule("no-better-than-chance", "error")
def no_better_than_chance(run: RunRecord) -> Iterator[Finding]:
    """Silent where the labels are drawn at random on purpose, and in reinforcement learning."""
    trace = trace_of(run)
    words = {w for c in trace.calls if c.trained for w in c.words}
    if not trace.random_labels and not words & set(_PLAY):
        yield from credible.no_better_than_chance(run)


@rule("best-weights-lost", "warning")
def best_weights_lost(run: RunRecord) -> Iterator[Finding]:
    """The final weights are clearly worse than an earlier evaluation and the earlier ones are gone.

    ## What it checks
    Whether a `state_dict()` that was taken during the training is loaded or saved later, while its tensors are the
    model's own: they followed the training. Where nothing was saved or copied before the last evaluation, and one
    model was trained and evaluated in one place, whether the median metric of the best three successive evaluations
    beats the last one and the one before it, beyond sampling noise.
    """
    trace = trace_of(run)
    if trace.stale_steps:
        yield Finding(
            "best-weights-lost",
            "warning",
            f"A state_dict that is used {trace.stale_steps} steps after it was taken holds the weights of now: it is "
            "no copy, its tensors are the model's own.",
            {"steps_since": trace.stale_steps, "seen": "a state_dict without a copy"},
            Remedy("Copy it when it is taken.", code="best = copy.deepcopy(model.state_dict())"),
            trace.places.get("stale"),
        )
    elif not trace.stopped and not trace.copies_weights and not _saves_on_the_way(trace):
        trained = {c.model for c in trace.calls if c.trained}
        stepping = [o for o in trace.optimizers if o.steps]
        if len(trained) == len(stepping) == len({e.place for e in trace.evaluations}) == 1:  # no folds, no phases
            yield from length.last_is_worse(run)


def _saves_on_the_way(trace: TraceRecord) -> bool:
    """Whether anything is saved before the last evaluation; the weights at the end are not those of the best."""
    last = trace.evaluations[-1].step if trace.evaluations else 0
    return any(f.what == "save" and f.step < last for f in trace.files)


@rule("underfitting", "warning")
def underfitting(run: RunRecord) -> Iterator[Finding]:
    """Both losses level off high, above what simple predictors reach.

    ## What it checks
    As in our own training where the program evaluates on its training data. Else: a program that was not cut short,
    whose step losses have levelled off (less than 3 % of the uninformed loss over the last half) above a tenth of
    it, and whose best three successive validation accuracies lie, beyond sampling noise of both, below how often
    the nearest neighbour of a training example has its label.
    """
    found = list(fitting.underfitting(run))
    yield from found
    trace = trace_of(run)
    agreement, curve = trace.train_data.get("agreement"), training_curve(run)
    guess, rows = uninformed_loss(run), [r for r in run.evaluations("val") if "accuracy" in r.metrics]
    if found or not agreement or curve is None or guess is None or len(rows) < 6 or trace.stopped:
        return
    known = int(trace.train_data.get("examples") or 0) >= agreement["rows"]
    come_again = int(trace.train_data.get("pairs", {}).get("again", 0)) >= 50
    if not (known or come_again) or run.problem.metric != "accuracy":
        return  # the same examples, drawn anew each time, would be their own neighbours
    half = Curve(curve.step[len(curve) // 2 :], curve.loss[len(curve) // 2 :])
    slope, level = trend(half.step, half.loss), float(np.median(half.loss))
    if slope is None or level < 0.1 * guess or -slope.slope * float(half.step[-1] - half.step[0]) > 0.03 * guess:
        return
    best = max(float(np.median([r.metrics["accuracy"] for r in rows[i : i + 3]])) for i in range(len(rows) - 2))
    low = wilson(float(agreement["share"]), int(agreement["rows"])).low
    if beats(run, low, replace(rows[-1], metrics={"accuracy": best})):
        yield Finding(
            "underfitting",
            "warning",
            f"Training has levelled off at a loss of {level:.3g} and a validation accuracy of {best:.3g}, where the "
            f"nearest neighbour's label is right for {agreement['share']:.3g}.",
            {
                "training_loss": level,
                "uninformed_loss": guess,
                "best_validation_metric": best,
                "references": {"nearest neighbour": float(agreement["share"])},
            },
            Remedy("Use a larger network, less regularisation (weight decay, dropout), or a better learning rate."),
            trace.places.get("optimizer"),
        )
