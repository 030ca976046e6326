"""What a planned comparison can see, said before it runs."""

from __future__ import annotations

import math

from trainwell.errors import UsageError
from trainwell.records.comparison import ProtocolFacts
from trainwell.report.wording import is_share
from trainwell.stats import detectable_difference, detectable_difference_unpaired
from trainwell.stats.values import FEWEST_PAIRED, FEWEST_UNPAIRED

TYPICAL_POINTS = 0.5  # scatter of studies on digits and spambase, measured: benchmarks/README.md, Comparing
_MOST = 200  # units that are suggested


def family_size(protocol: ProtocolFacts) -> int:
    """Comparisons that are corrected together: declared pairs, at every horizon of every problem."""
    contenders = len(protocol.contenders)
    pairs = math.comb(contenders, 2) if protocol.family == "all" else contenders - 1
    return pairs * len(protocol.problems) * len(protocol.horizons)


def smallest_seen(units: int, sd: float, alpha: float, *, paired: bool) -> float | None:
    """Difference found with 80 % power; None where none, however large, could become significant.

    Args:
        units: Of each contender: studies, or paired seeds.
        sd: Scatter of studies, or of paired differences. [units of the metric]
        alpha: Level of the single test: over many, that of the strictest step of Holm's correction. [0 to 1]
    """
    detectable = detectable_difference if paired else detectable_difference_unpaired
    try:
        return detectable(units, sd, alpha=alpha)
    except UsageError:
        return None


def undecidable(protocol: ProtocolFacts) -> bool:
    """Whether no difference, however large, can become significant over the whole family."""
    return not protocol.repeats and _seen(protocol, _units(protocol)) is None


def power_before(protocol: ProtocolFacts) -> str:
    """What the planned comparison can see, in a sentence."""
    if protocol.repeats:
        return _of_splits(protocol)
    family = family_size(protocol)
    corrected = f" after Holm's correction for {family} comparisons" if family > 1 else ""
    paired = protocol.claim == "C1"
    n, unit = _units(protocol), "paired seeds" if paired else "independent studies each"
    seen = _seen(protocol, n)
    if seen is None:
        return f"With {n} {unit}, no difference, however large, is significant{corrected}. {_remedy(protocol)}"
    of = "of their paired differences" if paired else "between studies"
    text = f"With {n} {unit}, a difference above {seen:.2f} standard deviations {of} is seen in 4 of 5 comparisons"
    text += corrected
    if not paired and any(is_share(problem.facts.metric) for problem in protocol.problems):
        text += (
            f": {seen * TYPICAL_POINTS:.1f} points where studies scatter by {TYPICAL_POINTS:g} points, as they do on "
            "digits and spambase"
        )
    return text + "."


def _units(protocol: ProtocolFacts) -> int:
    return protocol.seeds if protocol.claim == "C1" else protocol.studies


def _seen(protocol: ProtocolFacts, units: int) -> float | None:
    return smallest_seen(units, 1.0, (1 - protocol.level) / family_size(protocol), paired=protocol.claim == "C1")


def _remedy(protocol: ProtocolFacts) -> str:
    fewest = FEWEST_PAIRED if protocol.claim == "C1" else FEWEST_UNPAIRED
    enough = next((n for n in range(fewest, _MOST) if _seen(protocol, n) is not None), None)
    flag = "--seeds" if protocol.claim == "C1" else "--studies"
    more = [f"{flag} {enough}"] if enough is not None else []
    fewer = ["fewer pairs: --family first"] if protocol.family == "all" and len(protocol.contenders) > 2 else []
    return "Take " + " or ".join([*more, *fewer, "fewer problems"][:2])


def _of_splits(protocol: ProtocolFacts) -> str:
    held_out = protocol.test_share or 0.0
    widening = (1 + protocol.repeats * held_out / (1 - held_out)) ** 0.5
    seen = widening * detectable_difference(protocol.repeats, 1.0, alpha=1 - protocol.level)
    return (
        f"With {protocol.repeats} splits, a difference above {seen:.2f} standard deviations of the differences "
        f"between splits is seen in 4 of 5 comparisons (overlapping training sets cost a factor {widening:.1f}), "
        "before the correction for many pairs."
    )
