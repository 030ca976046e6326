"""Reports: views (records to plain data), charts (plain data to figures), pages (one HTML file), the logbook."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainwell.errors import RecordError, UsageError
from trainwell.records import BatchSizes, RateTest, RunRecord, load_improvement, load_run, write_atomically
from trainwell.report.logbook import logbook_markdown

__all__ = [
    "logbook_markdown",
    "report",
    "write_batch_page",
    "write_improvement_report",
    "write_race_report",
    "write_rate_page",
    "write_report",
    "write_run_report",
    "write_schedule_page",
    "write_study_report",
]

PAGE = "report.html"


def report(anything: Any, path: str | Path | None = None) -> Path:
    """Write the page of a run, an improvement, or a folder.

    Args:
        anything: A run, an improvement, or the folder of a run, an improvement or several runs.
        path: Where to write; `report.html` in the folder by default.

    Returns:
        The page's path.

    Raises:
        RecordError: If the folder holds neither.
        UsageError: If it is something else, or a run in memory without `path`.
    """
    if isinstance(anything, RunRecord):
        return write_run_report(anything, path)
    if isinstance(anything, str | os.PathLike):
        return write_report(anything, path)
    folder = getattr(anything, "folder", None)
    if folder is None:
        raise UsageError(
            f"`anything` must be a run, an improvement or a folder, got {type(anything).__name__}. Name a folder."
        )
    return write_report(folder, path)


def write_report(folder: str | os.PathLike[str], path: str | Path | None = None) -> Path:
    """Write the page of what a folder holds: an improvement, a comparison, a run, or several runs beside each other.

    Raises:
        RecordError: If it holds none of them.
    """
    folder = Path(folder)
    if (folder / "improve.json").is_file():
        return write_improvement_report(folder, path)
    if (folder / "comparison.json").is_file():
        return write_race_report(folder, path)
    if (folder / "study.json").is_file():
        return write_study_report(folder, path)
    if (folder / "run.json").is_file():
        return write_run_report(folder, path)
    return _write_comparison(folder, path)


def write_improvement_report(folder: str | os.PathLike[str], path: str | Path | None = None) -> Path:
    """Write `report.html` of an improvement at any stage; runs it cannot read are named on the page.

    Raises:
        RecordError: If the folder holds no improvement.
    """
    from trainwell.report.page import improvement_page
    from trainwell.report.views.improvement import improvement_view

    folder = Path(folder)
    return _write(improvement_page(improvement_view(load_improvement(folder), folder)), path or folder / PAGE)


def write_race_report(folder: str | os.PathLike[str], path: str | Path | None = None, *, command: str = "") -> Path:
    """Write `report.html` of a comparison of contenders.

    Args:
        command: What repeats it, for the page.

    Raises:
        RecordError: If the folder holds no comparison.
    """
    from trainwell.report.page import race_page
    from trainwell.report.views.race import race_view

    folder = Path(folder)
    return _write(race_page(race_view(folder, command)), path or folder / PAGE)


def write_run_report(run: str | os.PathLike[str] | RunRecord, path: str | Path | None = None) -> Path:
    """Write `report.html` of one run.

    Raises:
        RecordError: If the folder holds no run.
        UsageError: If the run has no folder and no path is given.
    """
    from trainwell.report.page import run_page
    from trainwell.report.views.run import run_view

    record = run if isinstance(run, RunRecord) else load_run(Path(run))
    if path is None and record.folder is None:
        raise UsageError("`path` must be given for a run without a folder, got none. Name the page's path.")
    return _write(run_page(run_view(record)), path or Path(record.folder or ".") / PAGE)


def write_rate_page(name: str, test: RateTest, path: str | Path) -> Path:
    """Write the page of a learning-rate range test.

    Args:
        name: Of the problem.
    """
    from trainwell.report.page import rate_page

    return _write(rate_page(name, test), path)


def write_batch_page(name: str, found: BatchSizes, path: str | Path) -> Path:
    """Write the page of a problem's batch sizes.

    Args:
        name: Of the problem.
    """
    from trainwell.report.page import batch_page

    return _write(batch_page(name, found), path)


def write_study_report(folder: str | os.PathLike[str], path: str | Path | None = None) -> Path:
    """Write `report.html` of a study at any stage.

    Raises:
        RecordError: If the folder holds no study.
    """
    from trainwell.records.study import load_study
    from trainwell.report.page import study_page
    from trainwell.report.views.study import study_view

    folder = Path(folder)
    return _write(study_page(study_view(load_study(folder))), path or folder / PAGE)


def write_schedule_page(name: str, rates: Sequence[float], path: str | Path) -> Path:
    """Write the page of a learning-rate schedule.

    Args:
        name: Of the schedule.
        rates: Learning rate of each step, from step 0.
        path: The page's path.
    """
    from trainwell.report.page import schedule_page
    from trainwell.report.views.curves import Line

    return _write(schedule_page(name, Line(name, 0, tuple(map(float, range(len(rates)))), tuple(rates))), path)


def _write_comparison(folder: Path, path: str | Path | None) -> Path:
    from trainwell.report.page import comparison_page
    from trainwell.report.views.comparison import comparison_view, find_runs

    loaded = find_runs(folder)
    if not loaded.runs:
        raise RecordError(
            f"`{folder}` must hold a run, several runs or an improvement, got none there. Name such a folder"
        )
    return _write(comparison_page(comparison_view(loaded, folder.resolve().name, folder)), path or folder / PAGE)


def _write(page: str, path: str | Path) -> Path:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, page)
    return path
