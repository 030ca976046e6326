"""What a checkpoint holds, and how a training continues from one, to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwell.errors import RecordError, ResumeError
from trainwell.optim.clipping import AdaptiveClipping
from trainwell.problem import Problem
from trainwell.recipe import Recipe
from trainwell.records import Best, RunRecord, Series, load_run, to_plain
from trainwell.train.checkpoint import latest_state
from trainwell.train.noise import NoiseState

if TYPE_CHECKING:
    from trainwell.train.training import Training

ENDED = ("completed", "stopped", "diverged")


def state_of(training: Training) -> dict[str, Any]:
    """The whole state of a training between two updates."""
    parts = training.parts
    keeper = parts.keeper
    noise, clip = training.noise, parts.update.clip
    return {
        "position": [training.step, training.epoch, training.batch_in_epoch],
        "seconds": training.clock.seconds,
        "evaluated_at": training.evaluated_at,
        "model": dict(parts.model.state_dict()),
        "optimizer": parts.optimizer.state_dict(),
        "noise": {"cpu": noise.cpu, "cuda": noise.cuda},
        "generator": None if parts.noise is None else parts.noise.get_state(),
        "keeper": {
            "best": to_plain(keeper.best),
            "without_gain": keeper.without_gain,
            "key": list(keeper.key),
            "weights": keeper.weights,
        },
        "average": None if parts.average is None else parts.average.state_dict(),
        "plateau": None if parts.plateau is None else parts.plateau.state_dict(),
        "clip": clip.state_dict() if isinstance(clip, AdaptiveClipping) else None,
        "scaler": None if parts.update.scaler is None else parts.update.scaler.state_dict(),
        "pieces": parts.update.pieces,
        "compiled": parts.update.decision,
    }


def restore(training: Training, folder: Path) -> None:
    """Continue a training from the newest whole checkpoint in its folder; from the start where there is none.

    Records beyond the checkpoint are dropped: the continued run writes them again, the same.

    Raises:
        ResumeError: If the folder's run has another recipe, other data or another seed, or no whole checkpoint.
    """
    record = load_run(folder)
    check_same(record, training.problem, training.recipe, training.seed)
    parts = training.parts
    if record.info.threads:
        parts.threads = record.info.threads
    found = latest_state(folder)
    if found is None:
        training.recorder.rewrite({}, [])
        training.recorder.note(event="resumed from the start: no checkpoint was written yet")
        return
    step, state = found
    training.step, training.epoch, training.batch_in_epoch = state["position"]
    training.clock.earlier_seconds = state["seconds"]
    training.evaluated_at = state["evaluated_at"]
    parts.model.load_state_dict(state["model"])
    parts.optimizer.load_state_dict(state["optimizer"])
    training.set_noise(NoiseState(state["noise"]["cpu"], state["noise"]["cuda"], parts.device))
    if parts.noise is not None and state["generator"] is not None:
        parts.noise.set_state(state["generator"])
    kept = state["keeper"]
    best = None if kept["best"] is None else Best(**kept["best"])
    parts.keeper.load(best, kept["without_gain"], tuple(kept["key"]), kept["weights"])
    for part, name in ((parts.average, "average"), (parts.plateau, "plateau"), (parts.update.scaler, "scaler")):
        if part is not None:
            part.load_state_dict(state[name])
    if isinstance(parts.update.clip, AdaptiveClipping):
        parts.update.clip.load_state_dict(state["clip"])
    parts.update.pieces = state["pieces"]
    parts.update.decision = state["compiled"]
    training.recorder.rewrite(_before(record, step), [row for row in record.all_evaluations if row.step <= step])
    training.recorder.note(event="resumed", step=step)


def check_same(record: RunRecord, problem: Problem, recipe: Recipe, seed: int) -> None:
    """Refuse to continue a run of another recipe, other data or another seed.

    Raises:
        ResumeError: Says the difference.
    """
    different = []
    if record.problem.fingerprint != problem.fingerprint:
        different.append(f"data: {record.problem.name} {dict(record.problem.examples)}, now {problem}")
    stored = Recipe(**record.info.recipe)
    different += [str(change) for change in stored.diff(recipe)]
    if record.seed != seed:
        different.append(f"seed: {record.seed} -> {seed}")
    if different:
        raise ResumeError(
            f"a run can be resumed only with its own recipe, data and seed; in {record.folder} these differ:\n  "
            + "\n  ".join(different)
            + "\nUse the stored ones, or train in another folder"
        )


def ended_run(folder: Path) -> RunRecord | None:
    """The record in a folder, if that run has ended; None if it has not, or there is none yet."""
    try:
        record = load_run(folder)
    except RecordError:
        return None
    return record if record.status in ENDED else None


def _before(record: RunRecord, step: int) -> dict[str, Series]:
    trimmed = {}
    for name, series in record.steps.series.items():
        keep = series.step < step
        trimmed[name] = Series(series.step[keep], series.value[keep])
    return trimmed
