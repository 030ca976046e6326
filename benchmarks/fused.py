"""How much faster `fit_many` trains K runs than `fit` one after another, and than a hand-written loop.

    OMP_NUM_THREADS=1 python benchmarks/fused.py --data ../shared/data [--runs 16 64] [--case digits] [--rounds 3]

What counts: model-steps per second of one process on one thread, by the processor's time, so that other work on the
machine counts little. The contenders take turns and medians over the rounds are given.

- hand: the best sequential loop that we could write: index permutation, `AdamW(fused=True)`, no evaluation, no records.
- fit: `fit`, one run after another, with its evaluation each epoch, its records and findings.
- many: `fit_many` with all of that too, after the choice of size; the time for it counts.
- many, steps: the same with evaluations at the start and the end only, to compare with `hand`.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch.nn import functional as F

from trainwell.data import Examples
from trainwell.problem import Problem, load_problem
from trainwell.recipe import Recipe
from trainwell.train import fit
from trainwell.train.fused import fit_many

CASES: dict[str, tuple[str, Recipe]] = {
    "digits": ("digits", Recipe(batch_size=64, epochs=30)),
    "spambase": (
        "spambase",
        Recipe(
            batch_size=128, epochs=10, inputs={"scaling": "standardize"},
            model={"width": 128, "depth": 2, "norm": "batch", "dropout": 0.2},
        ),
    ),
    "mnist": ("mnist", Recipe(batch_size=128, steps=63, model={"width": 8, "hidden": 32})),
}  # fmt: skip


def hand(problem: Problem, recipe: Recipe, steps: int) -> None:
    """The best sequential loop for one run."""
    train = problem.train
    assert isinstance(train, Examples)
    assert isinstance(train.inputs, torch.Tensor)
    assert train.targets is not None
    inputs, targets, size = train.inputs, train.targets, recipe.batch_size
    model = problem.build(recipe.model)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    done = 0
    while done < steps:
        order = torch.randperm(len(train))
        for start in range(0, len(train), size):
            chosen = order[start : start + size]
            loss = F.cross_entropy(model(inputs[chosen]), targets[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            done += 1
            if done == steps:
                break


def rate(work: Callable[[], None], model_steps: int) -> float:
    begin = time.process_time()
    work()
    return model_steps / (time.process_time() - begin)


def recipes(base: Recipe, count: int) -> list[Recipe]:
    """Rates over two decades: every run has its own."""
    return [base.with_({"optimizer.lr": 10 ** (-4 + 2 * i / count)}) for i in range(count)]


def measure(problem: Problem, base: Recipe, counts: list[int], rounds: int) -> dict[str, list[float]]:
    steps = fit(problem, base).info.steps  # also measures the data once, which all runs share
    bare = base.with_({"recording.evaluations_per_epoch": 0.01})
    said: list[str] = []
    found: dict[str, list[float]] = {}
    work: dict[str, tuple[Callable[[], object], int]] = {
        "hand": (lambda: hand(problem, base, steps), steps),
        "fit": (lambda: [fit(problem, r, seed=i) for i, r in enumerate(recipes(base, 2))], 2 * steps),
    }
    for count in counts:
        for name, recipe in (("many", base), ("many, steps", bare)):
            pairs = list(zip(recipes(recipe, count), range(count), strict=True))
            work[f"{name} {count}"] = (
                lambda pairs=pairs: fit_many(problem, pairs, listener=said.append),
                count * steps,
            )
    for _ in range(rounds):
        for name, (run, model_steps) in work.items():
            found.setdefault(name, []).append(rate(run, model_steps))
    for message in dict.fromkeys(said):
        print("   ", message)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--runs", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--case", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = {}
    print("| case | K | model-steps/s | against fit | against the hand-written loop |")
    print("|---|---|---|---|---|")
    for case in options.case:
        name, recipe = CASES[case]
        found = measure(load_problem(name, options.data), recipe, options.runs, options.rounds)
        results[case] = found
        mid = {key: median(values) for key, values in found.items()}
        for key, value in mid.items():
            label, _, count = key.rpartition(" ") if key[-1].isdigit() else (key, "", "1")
            print(
                f"| {case}, {label} | {count} | {value:,.0f} | {value / mid['fit']:.2f} | {value / mid['hand']:.2f} |"
            )
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
