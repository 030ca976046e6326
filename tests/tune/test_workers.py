"""Several processes on one folder, one of which is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trainwell.errors import UsageError
from trainwell.problem import Problem
from trainwell.records import read_lines
from trainwell.records.study import load_study
from trainwell.tune import tune
from trainwell.tune.journal import Claims

from .small import BASE, RATES, Net, made

COMMAND = [sys.executable, "-m", "trainwell", "tune"]


def test_only_one_worker_gets_a_claim_and_a_lost_one_is_followed(tmp_path):
    first, second = Claims(tmp_path, "here-1"), Claims(tmp_path, "there-2")
    assert first.take("group-0")
    assert first.take("group-0")
    assert not second.take("group-0")
    first.leave()
    assert second.take("group-0")
    assert not Claims(tmp_path, "third-3").take("group-0")
    second.leave()


def test_a_process_of_this_machine_that_is_gone_is_lost_at_once(tmp_path):
    import socket

    ended = subprocess.Popen([sys.executable, "-c", "pass"])
    ended.wait()
    gone, other = Claims(tmp_path, f"{socket.gethostname()}-{ended.pid}"), Claims(tmp_path, "there-2")
    assert gone.take("group-0")
    assert other.take("group-0")
    gone.leave()
    other.leave()


@pytest.fixture
def begun() -> Iterator[Callable[..., subprocess.Popen]]:
    """Begins commands; whatever comes, none is left behind."""
    processes: list[subprocess.Popen] = []

    def begin(*arguments: str) -> subprocess.Popen:
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        processes.append(subprocess.Popen([*COMMAND, *arguments], env=environment, stdout=subprocess.DEVNULL))
        return processes[-1]

    yield begin
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_two_workers_share_a_study_and_one_is_killed(begun, tmp_path):
    folder = tmp_path / "study"
    asked = ["digits", "--trials", "200", "--epochs", "6", "--confirm", "1", "--halving", "asha", "--shared"]
    first = begun(*asked, "--out", str(folder))
    _until(lambda: any(folder.glob("journal/*.jsonl")))
    first.send_signal(signal.SIGSTOP)  # else it might be done before the other has begun
    second = begun("--resume", str(folder))
    _until(lambda: len(list(folder.glob("journal/*.jsonl"))) == 2)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert second.wait(timeout=300) == 0
    _whole(folder, trials=200)


@pytest.mark.slow
def test_a_lost_worker_of_this_machine_is_replaced(tmp_path):
    folder, killed = tmp_path / "study", []

    def kill(progress) -> None:
        if not killed:
            _until(lambda: len(_processes(folder)) == 2)
            killed.extend(_processes(folder) - {os.getpid()})
            os.kill(killed[0], signal.SIGKILL)
            _until(lambda: len(_processes(folder)) == 3)

    asked = {"recipe": BASE, "trials": 1280, "halving": "asha", "confirm": 1, "folder": folder}
    ended = tune(made(), RATES, **asked, workers=2, listener=kill)
    assert killed
    assert len(_processes(folder)) == 3
    assert ended.result.workers >= 2  # the third may come too late for a group of its own
    _whole(folder, trials=1280)


def _whole(folder: Path, trials: int) -> None:
    """Nothing is lost and nothing repeated."""
    record = load_study(folder)
    assert record.result.trials == trials
    assert record.result.winner is not None
    lines = [row for path in folder.glob("journal/*.jsonl") for row in read_lines(path) if row["kind"] == "look"]
    looks = [(row["of"]["trial"], row["of"]["rung"]) for row in lines]
    assert len(looks) == len(set(looks))
    assert {trial for trial, _ in looks} == set(range(trials))


def test_a_problem_that_cannot_be_sent_is_refused(tmp_path):
    problem = made()
    unsendable = Problem(lambda: Net(), problem.train, problem.val, problem.test)
    with pytest.raises(UsageError, match="`workers` must be 1"):
        tune(unsendable, RATES, recipe=BASE, trials=4, folder=tmp_path / "a", workers=2)
    with pytest.raises(UsageError, match="`folder` must be given"):
        tune(problem, RATES, recipe=BASE, trials=4, workers=2)


def test_a_worker_that_joins_late_counts_the_time_of_the_others(tmp_path):
    first = Claims(tmp_path, "there-1")
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "there-1.jsonl").write_text("")
    (tmp_path / "study.json").write_text("{}")
    for path in (tmp_path / "journal" / "there-1.jsonl", tmp_path / "study.json"):
        os.utime(path, (time.time() - 40, time.time() - 40))
    late = Claims(tmp_path, "here-2")
    assert late.others_alive() == ["there-1"]
    assert 39 < late.seconds_since(tmp_path / "study.json", *tmp_path.glob("journal/*")) < 60
    first.leave()
    assert late.others_alive() == []
    late.leave()


def _processes(folder: Path) -> set[int]:
    return {int(path.stem.rsplit("-", 1)[1]) for path in folder.glob("journal/*.jsonl")}


def _until(holds, seconds: float = 180.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)
