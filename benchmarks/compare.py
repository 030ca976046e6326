"""What a comparison costs: `compare` against the same protocol by Optuna and a hand-written loop.

    python benchmarks/compare.py [--rounds 3]

The protocol: 4 contenders x 5 studies x 20 trials x 30 epochs on digits and 3 fresh seeds a study, 460 runs, every run
with its evaluation of the validation split each epoch and its best weights kept, as any tuning needs. By hand: `optuna`
asks for the points (its random sampler, the cheapest), the loop is an index permutation, `torch.optim` with its fused
update, and no records. Both on one thread, by the processor's time, in turns; the two processes that the hand-written
protocol would use halve its clock, and `workers=2` halves ours, so the ratio of processor time is the ratio of both.
The hand-written runs are timed before and after ours, five of each contender; all its runs cost the same. One warm-up
round is not counted.
"""

from __future__ import annotations

import argparse
import copy
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import optuna
import torch
from torch.nn import functional as F

from trainwell import load_problem
from trainwell.compare import compare

EPOCHS, BATCH = 30, 64
CONTENDERS = {"sgd": "sgd-momentum", "nesterov": "nesterov", "adam": "adam", "adamw": "adamw"}
STUDIES, TRIALS, SEEDS, BY_HAND = 5, 20, 3, 5
OPTIMIZERS = {
    "sgd": lambda p, lr, x: torch.optim.SGD(p, lr=lr, momentum=1 - x, fused=True),
    "nesterov": lambda p, lr, x: torch.optim.SGD(p, lr=lr, momentum=1 - x, nesterov=True, fused=True),
    "adam": lambda p, lr, x: torch.optim.Adam(p, lr=lr, betas=(1 - x, 0.999), fused=True),
    "adamw": lambda p, lr, x: torch.optim.AdamW(p, lr=lr, betas=(1 - x, 0.999), fused=True),
}


def train_by_hand(problem, kind: str, lr: float, x: float, seed: int) -> float:
    """One run: cosine to zero, an evaluation each epoch, the best weights kept."""
    torch.manual_seed(seed)
    model = problem.build({})
    optimizer = OPTIMIZERS[kind](model.parameters(), lr, x)
    inputs, targets = problem.train.inputs, problem.train.targets
    steps = EPOCHS * -(-len(targets) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    best, kept = -1.0, None
    for _ in range(EPOCHS):
        model.train()
        for index in torch.randperm(len(targets)).split(BATCH):
            loss = F.cross_entropy(model(inputs[index]), targets[index])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
        model.eval()
        with torch.no_grad():
            accuracy = float((model(problem.val.inputs).argmax(1) == problem.val.targets).float().mean())
        if accuracy > best:
            best, kept = accuracy, copy.deepcopy(model.state_dict())
    assert kept is not None
    return best


def by_hand(problem, trials: int, seed: int) -> float:
    """Processor seconds a run of the hand-written protocol."""
    begin = time.process_time()
    for kind in OPTIMIZERS:
        study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=seed))
        study.optimize(
            lambda trial, kind=kind: train_by_hand(
                problem,
                kind,
                trial.suggest_float("lr", 1e-4, 1.0 if kind in ("sgd", "nesterov") else 1e-1, log=True),
                trial.suggest_float("x", 0.01, 0.5, log=True),
                seed,
            ),
            n_trials=trials,
        )
    return (time.process_time() - begin) / (trials * len(OPTIMIZERS))


def by_compare(problem, trials: int, studies: int, seeds: int, epochs: int, seed: int) -> float:
    """Processor seconds a run of `compare`, all of it: draws, studies, winners, statistics, tables."""
    with tempfile.TemporaryDirectory() as scratch:
        begin = time.process_time()
        compare(
            problem, CONTENDERS, trials=trials, studies=studies, seeds=seeds, epochs=epochs, seed=seed,
            folder=Path(scratch) / "out",
        )  # fmt: skip
        return (time.process_time() - begin) / (len(CONTENDERS) * studies * (trials + seeds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    problem = load_problem("digits")
    by_hand(problem, 1, 0)
    by_compare(problem, 2, 4, 1, 1, 0)
    ratios = []
    for round_ in range(options.rounds):
        before = by_hand(problem, BY_HAND, round_)
        ours = by_compare(problem, TRIALS, STUDIES, SEEDS, EPOCHS, round_)
        after = by_hand(problem, BY_HAND, round_ + 100)
        hand = (before + after) / 2
        ratios.append(hand / ours)
        said = f"by hand {1000 * hand:.0f} ms a run, compare {1000 * ours:.0f} ms a run"
        print(f"{said}, ratio {ratios[-1]:.2f}", flush=True)
    print(f"median ratio {statistics.median(ratios):.2f} over {options.rounds} rounds")


if __name__ == "__main__":
    main()
