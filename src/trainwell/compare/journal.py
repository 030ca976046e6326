"""The folder of a comparison: begun, or taken up where protocol, data and library versions are the same."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from trainwell.errors import ResumeError
from trainwell.records import Environment, environment, to_plain
from trainwell.records.comparison import ComparisonFolder, ProtocolFacts, RaceRun

_SHOWN = 5  # differences that an error lists


@contextmanager
def race_folder(folder: Path | None, protocol: ProtocolFacts) -> Iterator[ComparisonFolder]:
    """The given folder, begun or taken up; one that lasts as long as the comparison where None.

    Raises:
        ResumeError: If it holds a comparison of another protocol, data or library versions.
    """
    with nullcontext(folder) if folder is not None else tempfile.TemporaryDirectory() as place:
        here = ComparisonFolder(Path(place))
        if here.exists:
            _refuse_other(here, protocol)
        else:
            here.write_protocol(protocol, environment())
        yield here


def kept_runs(here: ComparisonFolder, protocol: ProtocolFacts) -> list[RaceRun]:
    """The runs that are done.

    Raises:
        ResumeError: If some belong to another protocol, or one is there twice: two journals were merged.
    """
    runs = here.runs()
    foreign = [run for run in runs if not _belongs(run, protocol)]
    twice = [key for key, count in Counter(run.key for run in runs).items() if count > 1]
    if foreign or twice:
        what = f"{len(foreign)} runs of another protocol" if foreign else f"{len(twice)} runs twice"
        first = foreign[0].key if foreign else twice[0]
        raise ResumeError(
            f"`{here.folder}` must hold the runs of its own protocol, each once, got {what}: first "
            f"{' '.join(map(str, first))}. Results of two protocols are not merged: take the others out of runs.jsonl"
        )
    return runs


def note_other_code(here: ComparisonFolder) -> None:
    """Note where runs are about to be added with other code than the first ones were made with."""
    before, now = _code(here.environment()), _code(environment())
    if before != now:
        here.append_note({"code": f"{before[:12] or 'unknown'} and then {now[:12] or 'unknown'}"})


def _belongs(run: RaceRun, protocol: ProtocolFacts) -> bool:
    """Whether the protocol foresees a run with this seed."""
    known = run.problem in [p.facts.name for p in protocol.problems]
    known &= run.contender in [c.name for c in protocol.contenders] and run.horizon in protocol.horizons
    if not known or not 0 <= run.study < protocol.studies:
        return False
    if run.role == "trial":
        return 0 <= run.number < protocol.trials and run.seed == protocol.tuning_seeds[run.study]
    finals = protocol.final_seeds[run.study]
    return 0 <= run.number < len(finals) and run.seed == finals[run.number]


def _refuse_other(here: ComparisonFolder, protocol: ProtocolFacts) -> None:
    """Refuse to mix results of two protocols, data or library versions.

    Raises:
        ResumeError: With the differences.
    """
    stored = here.protocol()
    differences = list(_differences(to_plain(stored), to_plain(protocol)))
    if differences:
        target = any(path.endswith(".target") for path, *_ in differences)
        why = " A target must be declared before the curves are seen." if target else ""
        raise ResumeError(
            f"`{here.folder}` must hold a comparison of the same protocol, got another: {_listed(differences)}.{why} "
            "Results of two protocols are not merged: name another folder"
        )
    packages = list(_differences(dict(here.environment().packages), dict(environment().packages)))
    if packages:
        raise ResumeError(
            f"`{here.folder}` was begun with other library versions: {_listed(packages)}. Install them again, or "
            "name another folder"
        )


def _code(where: Environment) -> str:
    return where.code.commit + where.code.diff_sha256


def _differences(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            yield from _differences(before.get(key), after.get(key), f"{path}.{key}" if path else key)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for k, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differences(one, other, f"{path}.{k}")
    elif before != after:
        yield path, before, after


def _listed(differences: Sequence[tuple[str, Any, Any]]) -> str:
    first = sorted(differences, key=lambda found: found[0].count("."))[:_SHOWN]  # the plan before its consequences
    told = [f"{path} was {str(before)[:60]}, now {str(after)[:60]}" for path, before, after in first]
    more = len(differences) - _SHOWN
    return "; ".join(told) + (f"; and {more} more" if more > 0 else "")
