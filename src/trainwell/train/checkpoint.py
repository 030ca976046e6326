"""Checkpoints: the whole state of a training on disk, without pickle, checked by a hash, the latest few kept.

A checkpoint is `checkpoints/step-N.safetensors` with all tensors and `step-N.json` with the rest and the hash of
the tensors. The JSON is renamed into place last, so a checkpoint is whole or absent. A damaged one is passed over for
the one before.
"""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from safetensors.torch import load, save
from torch import Tensor

from trainwell.errors import ResumeError
from trainwell.recipe.parts import Checkpoints
from trainwell.records import dump_json, from_plain, write_atomically
from trainwell.train.packing import pack, unpack

FORMAT = 1


class Checkpointer:
    """Saves the state of a training when it is due; a failed save is noted, and the one before stays whole."""

    def __init__(self, folder: Path, settings: Checkpoints, steps_per_epoch: int) -> None:
        self.folder = folder / "checkpoints"
        self.settings = settings
        self._every_steps = {
            steps
            for steps in (
                settings.every_steps,
                None if settings.every_epochs is None else max(1, round(settings.every_epochs * steps_per_epoch)),
            )
            if steps
        }
        self._last = time.monotonic()

    def due(self, step: int) -> bool:
        """Whether a checkpoint is due after so many updates."""
        if any(step % every == 0 for every in self._every_steps):
            return True
        seconds = self.settings.every_seconds
        return seconds is not None and time.monotonic() - self._last >= seconds

    def save(self, step: int, state: dict[str, Any]) -> None:
        """Write a checkpoint and drop the oldest beyond those that are kept.

        Raises:
            OSError: If the disk is full or not writable; earlier checkpoints are whole.
        """
        tensors: dict[str, Tensor] = {}
        plain = pack(state, tensors, "state")
        data = save(tensors)
        self.folder.mkdir(exist_ok=True)
        stem = self.folder / f"step-{step:09d}"
        write_atomically(stem.with_suffix(".safetensors"), data)
        manifest = {"format": FORMAT, "step": step, "sha256": hashlib.sha256(data).hexdigest(), "state": plain}
        write_atomically(stem.with_suffix(".json"), dump_json(manifest))
        self._last = time.monotonic()
        for old in sorted(self.folder.glob("step-*.json"))[: -self.settings.keep]:
            for path in (old, old.with_suffix(".safetensors")):
                with suppress(OSError):
                    path.unlink()


def latest_state(folder: Path) -> tuple[int, dict[str, Any]] | None:
    """The newest whole checkpoint of a run's folder: updates done, and the state; None without any.

    Raises:
        ResumeError: If there are checkpoints and all are damaged.
    """
    found = sorted((folder / "checkpoints").glob("step-*.json"), reverse=True)
    damage = []
    for path in found:
        try:
            manifest = from_plain(json.loads(path.read_text()))
            data = path.with_suffix(".safetensors").read_bytes()
            if hashlib.sha256(data).hexdigest() != manifest["sha256"]:
                raise ValueError("the hash of the tensors does not match")
            return int(manifest["step"]), unpack(manifest["state"], load(data))
        except (OSError, ValueError, KeyError, TypeError) as error:
            damage.append(f"{path.name}: {error}")
    if damage:
        raise ResumeError(
            f"a checkpoint of {folder} must be whole, got damage in all: {'; '.join(damage)}. "
            "Train anew in another folder"
        )
    return None
