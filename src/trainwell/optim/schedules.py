r"""Learning-rate schedules as pure functions: from the step to a multiplier of the base rate. No torch.

Each function below returns a `Schedule`. Legend of the equations: $T$ total steps, $w$ warm-up steps, $f$ floor,
$p = (t - w)/(T - w)$. The warm-up is the factor $\min(1, (t + 1)/w)$ on what is shown; during it the shape waits at
its start. Past the end a schedule keeps the value of the last step, $T - 1$.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from trainwell.errors import RecipeError
from trainwell.recipe import schedules as parts

Schedule = Callable[[int], float]


def constant(total_steps: int, *, warmup_steps: int = 0) -> Schedule:
    r"""Keep the rate.

    $$ s(t) = 1 $$
    """
    return _warmed(lambda step: 1.0, total_steps, warmup_steps)


def linear(total_steps: int, *, warmup_steps: int = 0, floor: float = 0.0) -> Schedule:
    r"""Fall along a straight line.

    $$ s(t) = f + (1 - f)(1 - p) $$
    """
    return polynomial(total_steps, power=1.0, warmup_steps=warmup_steps, floor=floor)


def polynomial(total_steps: int, *, power: float = 2.0, warmup_steps: int = 0, floor: float = 0.0) -> Schedule:
    r"""Fall along a power of the remaining share.

    $$ s(t) = f + (1 - f)(1 - p)^{\text{power}} $$
    """
    length = total_steps - warmup_steps
    return _warmed(
        lambda step: floor + (1 - floor) * (1 - (step - warmup_steps) / length) ** power, total_steps, warmup_steps
    )


def cosine(total_steps: int, *, warmup_steps: int = 0, floor: float = 0.0) -> Schedule:
    r"""Rise linearly, then fall along half a cosine.

    $$ s(t) = f + (1 - f)\tfrac12(1 + \cos \pi p) $$

    Args:
        total_steps: Length T of the run. [optimizer updates, >= 1]
        warmup_steps: Length w of the rise, part of the run. [optimizer updates]
        floor: Multiplier f it tends to. [fraction of the base rate, 0 to 1]

    Returns:
        From step [updates, from 0] to multiplier [0 to 1]; past the end it keeps the last value.

    Raises:
        RecipeError: If the warm-up leaves no step at the full rate.

    Source:
        Loshchilov & Hutter 2017, SGDR. Differs: linear warm-up added.
    """
    return cosine_restarts(total_steps, cycles=1, warmup_steps=warmup_steps, floor=floor)


def cosine_restarts(
    total_steps: int, *, cycles: int = 3, factor: float = 1.0, warmup_steps: int = 0, floor: float = 0.0
) -> Schedule:
    r"""Fall along several half cosines, each `factor` times as long as the one before.

    $$ s(t) = f + (1 - f)\tfrac12(1 + \cos \pi q), \qquad q = (t - a_i)/(a_{i+1} - a_i) $$

    with the restarts $a_i$ rounded to whole steps.

    Raises:
        RecipeError: If a cycle has no step.

    Source:
        Loshchilov & Hutter 2017, SGDR. Differs: the number of cycles is given, not the length of the first.
    """
    lengths = [factor**i for i in range(cycles)]
    unit = (total_steps - warmup_steps) / math.fsum(lengths)
    starts = [warmup_steps + round(unit * math.fsum(lengths[:i])) for i in range(cycles + 1)]
    if total_steps > warmup_steps and len(set(starts)) <= cycles:
        raise RecipeError(
            f"`schedule.cycles` must give each cycle a step, got {cycles} cycles (factor {factor:g}) in "
            f"{total_steps - warmup_steps} steps. Use fewer cycles or train longer"
        )

    def shape(step: int) -> float:
        i = bisect_right(starts, step) - 1
        q = (step - starts[i]) / (starts[i + 1] - starts[i])
        return floor + (1 - floor) * _half_cosine(q)

    return _warmed(shape, total_steps, warmup_steps)


def step_decay(
    total_steps: int, *, every: float = 1 / 3, gamma: float = 0.1, warmup_steps: int = 0, floor: float = 0.0
) -> Schedule:
    r"""Multiply by `gamma` whenever another share `every` of the run is over.

    $$ s(t) = \max(f, \gamma^{\lfloor t / (\text{every}\, T) \rfloor}) $$
    """
    shares = [i * every for i in range(1, math.ceil(1 / every)) if i * every < 1 - 1e-9]
    return multi_step(total_steps, milestones=shares, gamma=gamma, warmup_steps=warmup_steps, floor=floor)


def multi_step(
    total_steps: int,
    *,
    milestones: Sequence[float] = (0.5, 0.75),
    gamma: float = 0.1,
    warmup_steps: int = 0,
    floor: float = 0.0,
) -> Schedule:
    r"""Multiply by `gamma` at each milestone, a share of the whole run.

    $$ s(t) = \max(f, \gamma^{\#\{m : t \ge m T\}}) $$

    Raises:
        RecipeError: If the warm-up reaches beyond the first milestone.
    """
    starts = [math.ceil(share * total_steps - 1e-9) for share in milestones]
    if starts and warmup_steps > starts[0]:
        raise RecipeError(
            f"`schedule.warmup_steps` must end before the first decay at step {starts[0]}, got {warmup_steps}. "
            "Shorten the warm-up or decay later"
        )
    return _warmed(lambda step: max(floor, gamma ** bisect_right(starts, step)), total_steps, warmup_steps)


def exponential(total_steps: int, *, final: float = 0.01, warmup_steps: int = 0, floor: float = 0.0) -> Schedule:
    r"""Multiply by the same constant each step, tending to `final` at the end.

    $$ s(t) = \max(f, \text{final}^{\,p}) $$
    """
    length = total_steps - warmup_steps
    return _warmed(lambda step: max(floor, final ** ((step - warmup_steps) / length)), total_steps, warmup_steps)


def inverse_sqrt(total_steps: int, *, shift: int = 1, warmup_steps: int = 0, floor: float = 0.0) -> Schedule:
    r"""Fall with the square root of the step, after `shift` flat steps (or the warm-up, if longer).

    $$ s(t) = \max(f, \sqrt{c / \max(c, t + 1)}), \qquad c = \max(\text{shift}, w) $$

    Source:
        Vaswani et al. 2017, Attention is all you need: its curve where shift <= w. Differs: scaled to peak at 1.
    """
    flat = max(shift, warmup_steps)

    def shape(step: int) -> float:
        return max(floor, math.sqrt(flat / max(flat, step + 1)))

    return _warmed(shape, total_steps, warmup_steps, top=1.0)


def one_cycle(total_steps: int, *, rise: float = 0.3, start: float = 1 / 25, final: float = 4e-6) -> Schedule:
    r"""Rise from `start` to 1 and fall to `final`, both along half a cosine.

    With the peak at step $m = \text{rise} \cdot T - 1$:

    $$ s(t) = a + (1 - a)\tfrac12(1 + \cos \pi q), \qquad
       (a, q) = (\text{start}, 1 - t/m)\ (t \le m), \quad (\text{final}, (t - m)/(T - 1 - m))\ (t > m) $$

    Raises:
        RecipeError: If the rise has no step.

    Source:
        Smith & Topin 2018, as `OneCycleLR` of torch.optim. Differs: momentum is not cycled.
    """
    peak = rise * total_steps - 1
    if peak < 0:
        raise RecipeError(
            f"`schedule.rise` must be at least one step of {total_steps}, got {rise:g}. "
            f"Set rise = {1 / max(total_steps, 2):.3g} or more, or train longer"
        )

    def shape(step: int) -> float:
        if step <= peak:
            return start + (1 - start) * _half_cosine(1 - step / peak if peak else 0.0)
        return final + (1 - final) * _half_cosine((step - peak) / (total_steps - 1 - peak))

    return _warmed(shape, total_steps, 0)


def cyclic(total_steps: int, *, cycles: int = 4, warmup_steps: int = 0, floor: float = 0.1) -> Schedule:
    r"""Go up and down between `floor` and 1 in triangles.

    $$ s(t) = f + (1 - f)(1 - |2 q - 1|), \qquad q = n p - \lfloor n p \rfloor $$

    Raises:
        RecipeError: If a cycle is shorter than two steps.

    Source:
        Smith 2017, Cyclical learning rates (mode "triangular").
    """
    length = total_steps - warmup_steps
    if 0 < length < 2 * cycles:
        raise RecipeError(
            f"`schedule.cycles` must give each cycle two steps, got {cycles} cycles in {length} steps. "
            "Use fewer cycles or train longer"
        )

    def shape(step: int) -> float:
        q = (step - warmup_steps) * cycles % length / length
        return floor + (1 - floor) * (1 - abs(2 * q - 1))

    return _warmed(shape, total_steps, warmup_steps)


def warmup_stable_decay(
    total_steps: int,
    *,
    decay_share: float = 0.2,
    shape: Literal["linear", "cosine", "sqrt"] = "linear",
    warmup_steps: int = 0,
    floor: float = 0.0,
) -> Schedule:
    r"""Keep the rate, then decay over the last `decay_share` of the run.

    $$ s(t) = f + (1 - f)\, h(q), \qquad q = \max(0, (t - d)/(T - d)), \quad d = T - \text{decay\_share}\cdot T $$

    with $h(q) = 1 - q$, $\tfrac12(1 + \cos \pi q)$ or $1 - \sqrt q$.

    Raises:
        RecipeError: If the warm-up reaches into the decay.

    Source:
        Hu et al. 2024, MiniCPM; the square root: Hägele et al. 2024.
    """
    decay = max(1, round(decay_share * total_steps))
    begin = total_steps - decay
    if warmup_steps > begin:
        raise RecipeError(
            f"`schedule.decay_share` must begin after the warm-up of {warmup_steps} steps, got {decay_share:g} "
            f"(from step {begin}). Shorten one of them"
        )
    curve = _DECAYS[shape]
    return _warmed(lambda step: floor + (1 - floor) * curve(max(0, step - begin) / decay), total_steps, warmup_steps)


def schedule_of(part: parts.Schedule, total_steps: int) -> Schedule:
    """Turn the schedule of a recipe into a function of the step.

    Args:
        part: `recipe.schedule`.
        total_steps: Planned length of the run. [optimizer updates, >= 1]

    Returns:
        From step [updates, from 0] to multiplier of the base rate. For `plateau` it is the warm-up alone; multiply
        by the `multiplier` of a `PlateauState`.

    Raises:
        RecipeError: If the schedule does not fit into the run.
    """
    fields: dict[str, Any] = {k: v for k, v in part if k not in ("name", "warmup_steps", "warmup_share")}
    if isinstance(part, parts.OneCycle):
        return one_cycle(total_steps, **fields)
    warmup = warmup_steps_of(part, total_steps)
    if isinstance(part, parts.Constant | parts.Plateau):
        return constant(total_steps, warmup_steps=warmup)
    return _BUILDERS[part.name](total_steps, warmup_steps=warmup, **fields)


def warmup_steps_of(part: parts.Schedule, total_steps: int) -> int:
    """Length of the linear rise; 0 for `one-cycle`, which has its own. [optimizer updates]

    Raises:
        RecipeError: If it leaves no step at the full rate.
    """
    if isinstance(part, parts.OneCycle):
        return 0
    share = min(math.floor(part.warmup_share * total_steps + 1e-9), total_steps - 1)
    return _checked_warmup(part.warmup_steps or share, total_steps)


def multipliers(schedule: Schedule, total_steps: int) -> npt.NDArray[np.float64]:
    """Multiplier of each step of the run, float64 (total_steps,)."""
    return np.fromiter((schedule(step) for step in range(total_steps)), np.float64, total_steps)


_BUILDERS: dict[str, Callable[..., Schedule]] = {
    "linear": linear,
    "cosine": cosine,
    "cosine-restarts": cosine_restarts,
    "step": step_decay,
    "multi-step": multi_step,
    "exponential": exponential,
    "polynomial": polynomial,
    "inverse-sqrt": inverse_sqrt,
    "cyclic": cyclic,
    "wsd": warmup_stable_decay,
}


def _warmed(shape: Schedule, total_steps: int, warmup_steps: int, top: float | None = None) -> Schedule:
    """Put a rise to `top` (to the shape's start) before a shape for steps w to T - 1; hold the last value after it."""
    _checked_warmup(warmup_steps, total_steps)
    last = total_steps - 1
    top = shape(warmup_steps) if top is None else top

    def multiplier(step: int) -> float:
        if step < warmup_steps:
            return top * (step + 1) / warmup_steps
        return shape(min(step, last))

    return multiplier


def _checked_warmup(warmup_steps: int, total_steps: int) -> int:
    if total_steps < 1:
        raise RecipeError(f"`steps` must be at least 1, got {total_steps}. Train longer")
    if warmup_steps >= total_steps:
        raise RecipeError(
            f"`schedule.warmup_steps` must be below the length of the run, {total_steps} steps, got {warmup_steps}. "
            "Shorten the warm-up or train longer"
        )
    return warmup_steps


def _half_cosine(q: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * q))


_DECAYS: dict[str, Callable[[float], float]] = {
    "linear": lambda q: 1 - q,
    "cosine": _half_cosine,
    "sqrt": lambda q: 1 - math.sqrt(q),
}
