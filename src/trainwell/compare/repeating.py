"""The command that repeats a comparison."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from trainwell.compare.contender import BASE, REGULARISATIONS, SPLIT_BASE
from trainwell.recipe import Recipe
from trainwell.records.comparison import MARGIN_POINTS, ProtocolFacts
from trainwell.report.wording import is_share, setting_text


def repeat_command(protocol: ProtocolFacts, horizon: int | None = None) -> str:
    """The command that repeats a comparison, at another length where one is given.

    Args:
        protocol: What was fixed.
        horizon: The other length. [as the protocol's]
    """
    known = {*Recipe.families["optimizer"], *REGULARISATIONS}
    if not all(c.spec in known or c.spec.endswith(".toml") for c in protocol.contenders):  # tables of a protocol file
        lengths = ",".join(map(str, protocol.horizons)) if horizon is None else str(horizon)
        return f"trainwell compare PROTOCOL.toml {_length_flag(protocol)} {lengths}"
    names = [c.name if c.spec == c.name else f"{c.name}={c.spec}" for c in protocol.contenders]
    problems = [p.spec or p.facts.name for p in protocol.problems]
    return shlex.join(["trainwell", "compare", *problems, *names, *_options(protocol, horizon)])


def _options(protocol: ProtocolFacts, horizon: int | None) -> Iterator[str]:
    lengths = ",".join(map(str, protocol.horizons if horizon is None else [horizon]))
    if protocol.repeats:
        held_out = round(100 * (protocol.test_share or 0.0))
        yield from ("--repeats", str(protocol.repeats), "--split", f"{100 - held_out}/{held_out}", "--epochs", lengths)
    else:
        yield from ("--trials", str(protocol.trials), "--studies", str(protocol.studies))
        yield from ("--seeds", str(protocol.seeds))
        yield from (_length_flag(protocol), lengths)
        plain = {"claim": "C2", "family": "all", "method": "sobol"}
        for name, usual in plain.items():
            if getattr(protocol, name) != usual:
                yield from (f"--{name}", str(getattr(protocol, name)))
        targets = {p.target for p in protocol.problems}
        if targets != {None}:
            yield from ("--target", f"{targets.pop():g}")
    margins = {p.facts.name: p.margin for p in protocol.problems}
    if margins != {p.facts.name: MARGIN_POINTS if is_share(p.facts.metric) else None for p in protocol.problems}:
        yield from ("--margin", f"{next(iter(margins.values())):g}")
    if protocol.level != 0.95:
        yield from ("--level", f"{protocol.level:g}")
    if protocol.seed:
        yield from ("--seed", str(protocol.seed))
    for path, value in _common(protocol):
        yield from ("--set", setting_text(path, value))


def _length_flag(protocol: ProtocolFacts) -> str:
    return "--horizons" if protocol.equal == "steps" else "--seconds"


def _common(protocol: ProtocolFacts) -> Iterator[tuple[str, object]]:
    """What all contenders have set alike and other than the base; their optimizers aside."""
    base = SPLIT_BASE if protocol.repeats else BASE
    found = [{c.path: c.after for c in base.diff(Recipe(**contender.recipe))} for contender in protocol.contenders]
    for path, value in found[0].items():
        if not path.startswith(("optimizer", "epochs")) and all(other.get(path, found) == value for other in found):
            yield path, value
