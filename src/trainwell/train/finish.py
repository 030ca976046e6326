"""The end of a run: keep the weights, write the record, diagnose."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from safetensors.torch import save
from torch import Tensor

from trainwell.diagnose import diagnose
from trainwell.records import RunRecord, write_atomically
from trainwell.train.knowledge import baseline_facts, data_facts
from trainwell.train.run import SCALING, Run
from trainwell.train.stopping import copy_state

if TYPE_CHECKING:
    from trainwell.train.training import Training


def finish(training: Training) -> Run:
    """Make the run of a training that has ended, and write it to its folder."""
    parts, recorder = training.parts, training.recorder
    with parts.evaluated_weights():
        weights = parts.keeper.weights or copy_state(parts.model)
    weights = {name: value.detach().cpu() for name, value in weights.items()}
    if parts.scaled is not None:
        weights |= {SCALING + name: value for name, value in parts.scaled.state().items()}
    run = Run(
        info=training.info(),
        steps=recorder.steps(),
        all_evaluations=tuple(recorder.evaluations),
        data=data_facts(training.problem),
        model_facts=parts.model_facts,
        baselines=baseline_facts(training.problem),
        folder=training.folder,
        notes=tuple(recorder.notes),
        source=training.problem,
        weights=weights,
    )
    wanted = training.recipe.recording.findings
    if wanted:
        run = _with_findings(run)
    if recorder.folder is not None:
        recorder.folder.write_facts(run.data, run.model_facts, run.baselines)
        if wanted:
            recorder.folder.write_findings(run.findings)
        save_weights(recorder.folder.folder / "weights.safetensors", weights)
        recorder.folder.write_info(run.info)
    return run


def save_weights(path: Path, weights: dict[str, Tensor]) -> None:
    """Write weights as safetensors, atomically; tensors that share memory are written apart."""
    write_atomically(path, save({name: value.contiguous().clone() for name, value in weights.items()}))


def _with_findings(run: Run) -> Run:
    from dataclasses import replace

    record: RunRecord = run
    return replace(run, findings=tuple(diagnose(record)))
