"""How a metric stands: its interval, against a guess that ignores the inputs, against another value."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy

from trainwell.diagnose.questions import (
    CLASS_LOSSES,
    CLASS_TASKS,
    counts,
    evaluated_loss,
    shares,
    split,
    uninformed_loss,
)
from trainwell.records import Evaluation, RunRecord
from trainwell.records.series import Floats
from trainwell.stats import Interval

_CHI_SQUARE_ONE_IN_A_THOUSAND = 10.83
"""An explained share of variance below this over n is what one useless predictor reaches by chance."""


def chance_level(run: RunRecord) -> float | None:
    """The metric of an input-blind guess on the validation split: recorded, or the commonest class for accuracy."""
    recorded = None if run.baselines is None else run.baselines.chance_metric
    if recorded is not None:
        return recorded if math.isfinite(recorded) else None
    train, val = split(run, "train"), split(run, "val")
    if run.problem.metric != "accuracy" or run.problem.task not in CLASS_TASKS or train is None or val is None:
        return None
    seen, held_out = counts(train), counts(val)
    if not seen or not sum(held_out.values()):
        return None
    return held_out.get(max(seen, key=lambda label: seen[label]), 0) / sum(held_out.values())


def metric_interval(run: RunRecord, row: Evaluation, level: float = 0.95) -> Interval | None:
    """Wilson's interval of a metric that is a share, or nearly one; None for others.

    Balanced accuracy and AUROC count as shares of as many examples as give the variance they have under chance:
    K^2 / sum(1 / n_k), and 3 n_1 n_0 / (n_1 + n_0 + 1) (Hanley & McNeil 1982), the smallest over classes.
    """
    value = row.metrics.get(run.problem.metric, math.nan)
    n = _effective_examples(run, row)
    if n is None or n < 1 or not 0 <= value <= 1:
        return None
    return wilson(value, n, level)


def wilson(share: float, n: int, level: float = 0.95) -> Interval:
    """Wilson's score interval of a share, also of one that is no whole number of examples.

    The closed form of what `stats.binomial_interval` gives, a hundred times as fast: rules run after every training.
    """
    z = _quantile(level)
    center, half = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Interval(max(0.0, (center - half) / (1 + z * z / n)), min(1.0, (center + half) / (1 + z * z / n)), level)


@functools.cache
def _quantile(level: float) -> float:
    return float(scipy.stats.norm.ppf(0.5 + level / 2))


def _effective_examples(run: RunRecord, row: Evaluation) -> int | None:
    if run.problem.task not in CLASS_TASKS:
        return None
    if run.problem.metric in ("accuracy", "top5"):
        return row.examples
    facts = split(run, row.split)
    found = [n for n in counts(facts).values() if n] if facts is not None else []
    if len(found) < 2:
        return None
    scale = row.examples / sum(found)
    if run.problem.metric == "balanced_accuracy":
        return int(scale * len(found) ** 2 / sum(1 / n for n in found))
    if run.problem.metric == "auroc":
        return int(min(scale * 3 * n * (sum(found) - n) / (sum(found) + 1) for n in found))
    return None


def beats(run: RunRecord, value: float, row: Evaluation) -> bool:
    """Whether a value of the deciding metric is better than that of an evaluation, beyond sampling noise.

    Shares: the Wilson intervals (95 %) of both, on the evaluation's examples, do not meet. Errors of regression: the
    root mean square is lower by more than a tenth and than 2.8 / sqrt(n) (two intervals of normal residuals). Others
    are never told apart.
    """
    other = row.metrics.get(run.problem.metric, math.nan)
    mine, its = metric_interval(run, _with(run, row, value)), metric_interval(run, row)
    if mine is not None and its is not None:
        return mine.low > its.high
    errors = _error_of(run.problem.metric, value), _error_of(run.problem.metric, other)
    if errors[0] is None or errors[1] is None:
        return False
    return errors[1] > errors[0] * (1 + max(0.1, 2.8 / math.sqrt(max(1, row.examples))))


def _with(run: RunRecord, row: Evaluation, value: float) -> Evaluation:
    return replace(row, metrics={run.problem.metric: value})


def _error_of(name: str, value: float) -> float | None:
    """A metric of regression as an error in proportion to the root mean square; None for others or NaN."""
    if name == "r2" and value <= 1:
        return math.sqrt(1 - value)
    if name == "mse" and value >= 0:
        return math.sqrt(value)
    return value if name in ("rmse", "mae") and value >= 0 else None


@dataclass(frozen=True)
class AgainstChance:
    """How a run's validation metric stands to that of an input-blind guess.

    Attributes:
        value: Median over the evaluations after the start.
        best: The best of them.
        low: Lower limit (99.9 %) of the best; None where the metric is no share.
        high: Upper limit (95 %) of the median.
        loss_gain: Share of the uninformed loss that the best validation loss saves; None where not known.
        equal: Whether it is no better: the best is not clearly above chance, the median clearly not far above (or
            nearly all evaluations give the very metric of the guess), and the loss saves no more than noise.
    """

    value: float
    best: float
    chance: float
    low: float | None
    high: float | None
    loss_gain: float | None
    equal: bool

    def evidence(self) -> dict[str, Any]:
        """The numbers that were compared."""
        return {
            "metric": self.value,
            "best": self.best,
            "chance": self.chance,
            "interval": [self.low, self.high],
            "loss_gain": self.loss_gain,
        }


def against_chance(run: RunRecord) -> AgainstChance | None:
    """Compare a run's validation metric with chance; None where either is not known."""
    chance = chance_level(run)
    rows = [row for row in run.evaluations("val") if row.step > 0]
    values = np.array([row.metrics.get(run.problem.metric, math.nan) for row in rows])
    if chance is None or not len(rows) or not np.isfinite(values).all():
        return None
    better = np.argsort(values if run.problem.higher_is_better else -values)
    best, middle = rows[better[-1]], rows[better[(len(better) - 1) // 2]]
    gain = _loss_gain(run)
    low, high = metric_interval(run, best, 0.999), metric_interval(run, middle, 0.95)
    name = run.problem.metric
    if low is not None and high is not None:
        near = high.high <= chance + 0.1 * (1 - chance) or (gain is not None and _is_constant(values, chance, best))
        equal = low.low <= chance and near and (gain is None or gain <= 0)
    else:
        useful = _explained(name, best.metrics[name], chance)
        few = min(0.02, _CHI_SQUARE_ONE_IN_A_THOUSAND / max(1, best.examples))
        equal = useful is not None and useful <= few and best.examples >= 20 and (gain is None or gain <= 0)
    return AgainstChance(
        middle.metrics[name],
        best.metrics[name],
        chance,
        None if low is None else low.low,
        None if high is None else high.high,
        gain,
        equal,
    )


def _is_constant(values: Floats, chance: float, row: Evaluation) -> bool:
    """Whether 4 of 5 evaluations (3 or more) equal chance to half an example: one answer for every input."""
    return len(values) >= 3 and bool((np.abs(values - chance) < 0.5 / row.examples).mean() >= 0.8)


def _loss_gain(run: RunRecord) -> float | None:
    """Share of the uninformed loss that the best validation loss saves beyond what a useless network may save."""
    guess, losses = uninformed_loss(run), run.evaluations("val").loss
    losses = losses[np.isfinite(losses)]
    if guess is None or not len(losses):
        return None
    guess, luck = _guess_on_validation(run, guess)
    return float(1 - losses.min() / guess) - luck


def _guess_on_validation(run: RunRecord, guess: float) -> tuple[float, float]:
    """Loss of the constant guess on the validation split, and the share of it that luck may save.

    With the label counts of both splits that loss is exact, and another constant saves about (K - 1) / 2n at most; else
    it has the sampling error of a mean over n examples. 1 % on top.
    """
    train, val, rows = split(run, "train"), split(run, "val"), run.evaluations("val")
    if train is None or run.problem.task not in CLASS_TASKS or evaluated_loss(run) not in CLASS_LOSSES:
        return guess, 0.01
    n = max(1, rows[-1].examples)
    seen, held_out = counts(train), {} if val is None else counts(val)
    total, asked = sum(seen.values()), sum(held_out.values())
    if total and asked and all(seen.get(label, 0) for label, count in held_out.items() if count):
        exact = -sum(count * math.log(seen[label] / total) for label, count in held_out.items() if count) / asked
        return (exact, 0.01 + 2 * len(seen) / n / exact) if exact > 0 else (guess, 0.01)
    p = np.array([share for share in shares(train) if share > 0])
    variance = float((p * np.log(p) ** 2).sum() - (p * np.log(p)).sum() ** 2) if len(p) else 0.0
    return guess, 0.01 + 2 * math.sqrt(max(0.0, variance) / n) / guess


def _explained(name: str, value: float, chance: float) -> float | None:
    """Share of what a guess leaves unexplained that a metric explains; None for unknown metrics."""
    if name == "r2":
        return value - max(0.0, chance)
    if name == "rmse":
        return 1 - (value / chance) ** 2 if chance > 0 else None
    if name == "perplexity":
        return 1 - math.log(value) / math.log(chance) if value > 0 and chance > 1 else None
    if name in ("mse", "mae", "log_loss", "loss"):
        return 1 - value / chance if chance > 0 else None
    return None
