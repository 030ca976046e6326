"""Loaders and the data sets behind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from trainwell.probes import origin
from trainwell.probes.place import Site, place
from trainwell.probes.state.values import as_trace
from trainwell.records import DatasetTrace, LoaderTrace


@dataclass(eq=False)
class LoaderState:
    """One DataLoader."""

    key: int
    loader: Any
    dataset: DatasetState
    site: Site | None
    use_site: Site | None = None
    batch_size: int | None = None
    batches: int | None = None
    sampler: str = ""
    shuffled: bool = False
    workers: int = 0
    passes: int = 0
    delivered: int = 0
    train: int = 0
    evaluate: int = 0
    wait: float = 0.0
    names: tuple[str, ...] = ()
    pass_hashes: list[list[int]] = field(default_factory=list)
    looked_twice: int = 0
    drawn_twice: int = 0
    set_epoch_calls: int = 0
    worker_init: bool = False
    words: tuple[str, ...] = ()

    def _data(self) -> Site | None:
        """Where the data set was made that the loader was given."""
        return None if self.site is None else origin.origin(self.site, 0, of=("DataLoader",), past_slices=False)

    def record(self) -> LoaderTrace:
        """As plain values."""
        return as_trace(
            LoaderTrace,
            self,
            dataset=self.dataset.key,
            place_of_use=place(self.use_site),
            sampler_place=place(None if self.site is None else origin.argument(self.site, "sampler")),
            data_place=place(self._data()),
            wait_seconds=self.wait,
        )


@dataclass(eq=False)
class DatasetState:
    """A dataset behind loaders."""

    key: int
    kind: str
    dataset: Any
    length: int | None = None
    root: str = ""
    site: Site | None = None
    transforms: tuple[str, ...] = ()
    hashes: Any = None
    fingerprinted: bool = False
    stored: Any = None
    facts: dict[str, Any] = field(default_factory=dict)

    def record(self) -> DatasetTrace:
        """As plain values."""
        return as_trace(
            DatasetTrace,
            self,
            fingerprinted=0 if self.hashes is None else len(self.hashes),
        )
