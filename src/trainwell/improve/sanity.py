"""Step 2: sanity. The loss at the start, overfitting one batch, an input-blind guess and a linear model."""

from __future__ import annotations

import math

from trainwell.data import first
from trainwell.improve.decision import shown
from trainwell.improve.session import TUNING, Session
from trainwell.problem import Problem
from trainwell.recipe import Recipe
from trainwell.records import Sanity
from trainwell.train import Training

_BATCH = 32
_STEPS = 300
_FITTED = 0.1  # of the loss at the start


def sanity_step(session: Session) -> None:
    """Check that the network can learn at all, and what simple predictors reach."""
    session.begin("sanity")
    recipe = session.start
    training = Training(session.problem, recipe, seed=session.seeds(TUNING, 1)[0])
    initial = training.evaluate_now()[0].loss
    expected = session.record.baselines.uninformed_loss if session.record.baselines else None
    session.tell(0.3, "overfitting one batch")
    before, after, metric, steps = _overfit_one_batch(session.problem, recipe, session.seeds(TUNING, 1)[0])
    sanity = Sanity(
        initial_loss=initial,
        expected_initial_loss=expected,
        one_batch_start=before,
        one_batch_loss=after,
        one_batch_metric=metric,
    )
    session.update(sanity=sanity, model_facts=training.parts.model_facts)
    facts, baselines = session.facts, session.record.baselines
    seen = [f"Loss at the start {initial:.4g}" + (f", of an uninformed guess {expected:.4g}." if expected else ".")]
    if baselines and baselines.chance_metric is not None:
        seen.append(f"Input-blind guess: validation {facts.metric} {shown(facts, baselines.chance_metric)}.")
    if baselines and baselines.linear_metric is not None:
        seen.append(f"Linear model: {shown(facts, baselines.linear_metric)}.")
    seen.append(f"One batch of {_BATCH}: loss {before:.3g} to {after:.3g} in {steps} steps.")
    fitted = math.isfinite(after) and after < _FITTED * before
    session.log(
        "Sanity checks",
        seen=" ".join(seen),
        tried=f"AdamW at 3e-3 on one batch of {_BATCH} examples, scaled, without regularisation.",
        decision="The network can fit a batch: go on."
        if fitted
        else "The network does not fit even one batch in this time: the model, the loss or the labels may be at fault.",
    )


def _overfit_one_batch(problem: Problem, recipe: Recipe, seed: int) -> tuple[float, float, float, int]:
    batch = first(problem.train, _BATCH)
    small = problem.on(train=batch, val=batch)
    size = len(batch)
    scaling = {"inputs.scaling": "standardize"} if problem.input_kind in ("table", "image") else {}
    if problem.task == "regression":
        scaling["targets.scaling"] = "standardize"
    trial = recipe.with_(
        {
            **scaling,
            "optimizer": {"name": "adamw", "lr": 3e-3, "weight_decay": 0.0},
            "schedule": "constant",
            "steps": _STEPS,
            "batch_size": size,
            "accumulate": 1,
            "augmentation": [],
            "loss": {"name": recipe.loss.name},
            "stopping": {"keep": "last"},
            "recording.evaluations_per_epoch": 0.05,
        }
    )
    training = Training(small, trial, seed=seed)
    begin = training.evaluate_now()[0].loss
    steps = 0
    row = None
    while steps < _STEPS and (row is None or row.loss > 0.02 * begin) and training.status == "running":
        steps = min(_STEPS, steps + 50)
        training.advance(steps)
        row = training.evaluate_now()[0]
    return (
        begin,
        row.loss if row else math.nan,
        row.metrics.get(problem.metric.name, math.nan) if row else math.nan,
        steps,
    )
