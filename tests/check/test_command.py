"""`trainwell check` as people call it: modules, options, programs that read input, print bytes, fork, distribute."""

import json
import subprocess
import sys

import pytest

COMMAND = "from trainwell.check.command import check_command; check_command()"
TRAINING = """
import os, sys
import torch
from torch import nn
torch.manual_seed(0)
sys.stdout.buffer.write(b"\\xff\\xfe\\n"); sys.stdout.flush()
assert (sys.argv[1:], __name__) == (["--depth", "3"], "__main__")
assert sys.stdin.readline() == "yes\\n"
made, judge = nn.Linear(3, 1), nn.Linear(1, 1)
optimizers = [torch.optim.SGD(made.parameters(), lr=1e-3), torch.optim.SGD(judge.parameters(), lr=1e-3)]
scheduler = torch.optim.lr_scheduler.StepLR(optimizers[0], 100)
for i in range(40):
    loss = judge(made(torch.randn(8, 3))).pow(2).mean()
    loss.backward()
    for optimizer in optimizers:
        optimizer.step()
sys.exit(0)
"""


def command(folder, *arguments, **options):
    call = [sys.executable, "-c", COMMAND, *arguments]
    return subprocess.run(call, cwd=folder, capture_output=True, check=False, timeout=120, **options)


def test_a_module_with_arguments_input_and_bytes(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "__init__.py").touch()
    (tmp_path / "work" / "train.py").write_text(TRAINING)
    done = command(
        tmp_path,
        *("-m", "work.train", "--select", "missing-zero-grad,scheduler-not-stepped", "--select", "unseeded-run"),
        *("--ignore", "scheduler-not-stepped", "--format", "sarif", "--output", "report.sarif", "--", "--depth", "3"),
        input=b"yes\n",
    )
    assert done.stdout == b"\xff\xfe\n"
    assert done.returncode == 1, done.stderr
    (run,) = json.loads((tmp_path / "report.sarif").read_text())["runs"]
    assert {result["ruleId"] for result in run["results"]} == {"missing-zero-grad"}
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("work/train.py", 16)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.py"], "existing script"),
        (["train.py", "--select", "missing-zero-gradd"], "missing-zero-grad"),
        (["train.py", "--time", "soon"], "90s"),
        (["train.py", "--steps", "0"], "--steps"),
        (["train.py", "--format", "html"], "sarif"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_runs(tmp_path, arguments, words):
    from click.testing import CliRunner

    from trainwell.check.command import check_command

    (tmp_path / "train.py").write_text("raise SystemExit('it ran')")
    shown = [str(tmp_path / part) if part.endswith(".py") else part for part in arguments]
    result = CliRunner().invoke(check_command, shown)
    assert result.exit_code == 2
    assert words in result.output
    assert "it ran" not in result.output


DISTRIBUTED = """
import os, sys
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler

def work(rank, rendezvous):
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=2)
    torch.manual_seed(0)
    x = torch.randn(128, 4)
    data = TensorDataset(x, (x[:, 0] > 0).long())
    sampler = DistributedSampler(data)
    loader = DataLoader(data, batch_size=16, sampler=sampler)
    model = DistributedDataParallel(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(5):
        for inputs, labels in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs), labels).backward()
            optimizer.step()
    dist.destroy_process_group()

if __name__ == "__main__":
    mp.spawn(work, args=(sys.argv[1],), nprocs=2)
"""


@pytest.mark.slow
def test_findings_of_two_processes_are_merged(tmp_path):
    (tmp_path / "train.py").write_text(DISTRIBUTED)
    done = command(tmp_path, "train.py", "--format", "json", "--", str(tmp_path / "meeting"))
    report = json.loads(done.stdout)
    assert [f["rule"] for f in report["findings"] if f["severity"] == "error"] == ["sampler-epoch-not-set"]
    assert report["observed"]["processes"] == 3


FORKING = """
import os, sys
import torch
from torch import nn
torch.manual_seed(0)
child = os.fork()
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
for i in range(30):
    if child:
        optimizer.zero_grad()
    model(torch.randn(8, 3)).pow(2).mean().backward()
    optimizer.step()
if child:
    os.waitpid(child, 0)
    print("parent")
    sys.exit()
os._exit(0)
"""


@pytest.mark.slow
def test_a_program_that_forks_is_seen_in_both_processes(tmp_path):
    (tmp_path / "train.py").write_text(FORKING)
    done = command(tmp_path, "train.py", "--output", "report.txt")
    assert done.stdout == b"parent\n"
    assert done.returncode in (0, 1), done.stderr


STARTED = """
import multiprocessing as processes
import torch
import torch.multiprocessing as mp
from torch import nn

def work(rank):
    torch.manual_seed(rank)
    x = torch.randn(160, 4)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        model.train()
        for rows in torch.randperm(160).split(16):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), (x[rows, 0] > 0).long()).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            model(x)

if __name__ == "__main__":
    {how}
"""
HOW = (
    "mp.start_processes(work, nprocs=1, start_method='fork')",
    "process = processes.get_context('fork').Process(target=work, args=(0,)); process.start(); process.join()",
)


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
def test_a_process_that_is_started_by_a_fork_is_watched_once(tmp_path, how):
    (tmp_path / "train.py").write_text(STARTED.replace("{how}", how))
    report = json.loads(command(tmp_path, "train.py", "--format", "json").stdout)
    assert [f["rule"] for f in report["findings"] if f["severity"] != "advice"] == []
    assert report["observed"]["optimizer_steps"] == 30
