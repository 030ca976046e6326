"""Several processes on one folder, one of which is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trainwell.records import read_lines
from trainwell.records.study import load_study
from trainwell.tune.journal import Claims

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


@pytest.mark.slow
def test_two_workers_share_a_study_and_one_is_killed(tmp_path):
    folder = tmp_path / "study"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    asked = ["digits", "--trials", "200", "--epochs", "6", "--confirm", "1", "--halving", "asha", "--shared"]
    first = subprocess.Popen([*COMMAND, *asked, "--out", str(folder)], env=environment, stdout=subprocess.DEVNULL)
    _until(lambda: any(folder.glob("journal/*.jsonl")))
    second = subprocess.Popen([*COMMAND, "--resume", str(folder)], env=environment, stdout=subprocess.DEVNULL)
    _until(lambda: len(list(folder.glob("journal/*.jsonl"))) == 2)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert second.wait(timeout=120) == 0
    record = load_study(folder)
    assert record.result.trials == 200
    assert record.result.winner is not None
    lines = [row for path in folder.glob("journal/*.jsonl") for row in read_lines(path) if row["kind"] == "look"]
    looks = [(row["of"]["trial"], row["of"]["rung"]) for row in lines]
    assert len(looks) == len(set(looks))
    assert {Path(path).stem for path in folder.glob("journal/*.jsonl")} == {row["of"]["worker"] for row in lines}


def _until(holds, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)
