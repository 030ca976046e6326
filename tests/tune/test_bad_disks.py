"""Disks that are full, locked or not there: a study goes on and says so, or is refused before any work."""

from __future__ import annotations

import errno

import pytest

from trainwell.errors import RecordError, UsageError
from trainwell.records.study import append_journal, load_study
from trainwell.tune import journal, tune

from .small import BASE, RATES, made


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EACCES])
def test_a_full_or_locked_disk_is_told_and_what_was_not_written_is_written_later(monkeypatch, tmp_path, reason):
    calls = []

    def failing(path, lines) -> None:
        calls.append(path)
        if 3 < len(calls) < 12:
            raise OSError(reason, "no room")
        append_journal(path, lines)

    monkeypatch.setattr(journal, "append_journal", failing)
    with pytest.warns(UserWarning, match="the study goes on"):
        ended = tune(made(), RATES, recipe=BASE, trials=9, confirm=1, folder=tmp_path / "a")
    assert any("journal could not be written" in line for line in ended.result.advice)
    assert load_study(tmp_path / "a").looks == ended.record.looks


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="can be written to"):
        tune(made(), RATES, recipe=BASE, trials=4, folder=tmp_path / "file" / "a")


def test_a_journal_that_cannot_be_read_is_refused(tmp_path):
    tune(made(), RATES, recipe=BASE, trials=3, confirm=0, folder=tmp_path / "a")
    (tmp_path / "a" / "journal" / "other-1.jsonl").mkdir()
    with pytest.raises(RecordError, match="must be readable"):
        load_study(tmp_path / "a")
