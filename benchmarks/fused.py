"""How much faster `fit_many` trains K runs than `fit` one after another, and than a hand-written loop.

    python benchmarks/fused.py --data ../shared/data --write benchmarks/README.md

One process on one thread, by the processor's time, so that other work on the machine counts less; the hand-written loop
runs before and after every measurement, and the ratio to the mean of both is given, the median over the rounds. Both
cores: two such processes side by side, by the clock.

- hand: the best sequential loop that we could write: index permutation, `AdamW(fused=True)`, no evaluation, no records.
- fit: `fit`, one run after another, with its evaluations, records and findings.
- all: `fit_many` with all of that too; the time for the choice of program and size counts.
- training: the same with one evaluation, at the end, on 64 examples, as `hand` makes none.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch import nn
from torch.nn import functional as F

from trainwell.data import Examples
from trainwell.problem import Problem, load_problem
from trainwell.recipe import Recipe
from trainwell.train import fit, fit_many
from trainwell.train.fused.choose import choose
from trainwell.train.fused.lane import Lane
from trainwell.train.fused.trial import seconds_stacked

BEGIN, END = "<!-- fused: begin -->", "<!-- fused: end -->"


@dataclass(frozen=True)
class Case:
    """A problem, its recipe, the goal at 64 runs, and the epochs by number of runs (fewer where they are many)."""

    problem: str
    recipe: Recipe
    goal: float
    epochs: dict[int, float]


CASES = {
    "digits": Case("digits", Recipe(batch_size=64), 8, {16: 30, 64: 30, 256: 30}),
    "spambase": Case(
        "spambase",
        Recipe(
            batch_size=128,
            inputs={"scaling": "standardize"},
            model={"width": 128, "depth": 2, "norm": "batch", "dropout": 0.2},
        ),
        5,
        {16: 10, 64: 30, 256: 5},
    ),
    "mnist": Case(
        "mnist", Recipe(batch_size=128, model={"width": 8, "hidden": 32}), 1.5, {16: 0.5, 64: 0.25, 256: 0.125}
    ),
}


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


def recipes(base: Recipe, count: int) -> list[Recipe]:
    """Rates over two decades: every run has its own."""
    return [base.with_({"optimizer.lr": 10 ** (-4 + 2 * i / count)}) for i in range(count)]


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    begin = clock()
    work()
    return clock() - begin


@dataclass(frozen=True)
class Measured:
    """Seconds a model-step of the hand-written loop and of what was held against it."""

    hand: float
    other: float

    @property
    def ratio(self) -> float:
        return self.hand / self.other


def against_hand(problem: Problem, recipe: Recipe, steps: int, work: Callable[[], object], runs: int) -> Measured:
    some = min(steps, 300)
    before = seconds(lambda: hand(problem, recipe, some)) / some
    own = seconds(work) / (runs * steps)
    after = seconds(lambda: hand(problem, recipe, some)) / some
    return Measured((before + after) / 2, own)


def middle(found: Sequence[Measured]) -> Measured:
    """The one of the median ratio."""
    return sorted(found, key=lambda m: m.ratio)[len(found) // 2]


def unjudged(problem: Problem) -> Problem:
    """The problem with a small validation split, so that evaluations take next to no time."""
    assert isinstance(problem.val, Examples)
    return problem.on(train=problem.train, val=problem.val.cut(0, 64))


def lengths(problem: Problem, case: Case, runs: int) -> tuple[int, dict[str, Recipe]]:
    """Steps, and the recipes of `all` and `training`."""
    per_epoch = -(-len(problem.train) // case.recipe.batch_size)
    steps = max(1, round(case.epochs[runs] * per_epoch))
    whole = case.recipe.with_({"steps": steps})
    bare = whole.with_({"recording.initial": False, "recording.evaluations_per_epoch": per_epoch / steps / 2})
    return steps, {"all": whole, "training": bare}


def race(problem: Problem, case: Case, counts: Sequence[int], rounds: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of the table, and what `fit_many` said."""
    rows: list[dict[str, Any]] = []
    said: list[str] = []
    on = {"all": problem, "training": unjudged(problem)}
    for kind in on.values():
        fit(kind, case.recipe.with_({"steps": 2}))  # measures the data and the threads once, which all runs share
    for runs in counts:
        steps, kinds = lengths(problem, case, runs)
        found: dict[str, list[Measured]] = {}
        for number in range(1 if runs > 64 else rounds):
            if runs == counts[0]:
                alone = [fit_one(problem, kinds["all"], seed) for seed in range(2)]
                found.setdefault("fit", []).append(
                    against_hand(problem, case.recipe, steps, lambda alone=alone: [run() for run in alone], 2)
                )
            for kind, recipe in kinds.items():
                pairs = list(zip(recipes(recipe, runs), range(number * runs, (number + 1) * runs), strict=True))
                work = lambda kind=kind, pairs=pairs: fit_many(on[kind], pairs, listener=said.append)  # noqa: E731
                found.setdefault(kind, []).append(against_hand(problem, case.recipe, steps, work, runs))
        for kind, measured in found.items():
            own = middle(measured)
            rows.append(
                {"runs": 1 if kind == "fit" else runs, "kind": kind, "steps": steps, "goal": case.goal}
                | {"hand": own.hand, "own": own.other, "ratio": own.ratio, "all": [m.ratio for m in measured]}
            )
    return rows, list(dict.fromkeys(said))


def fit_one(problem: Problem, recipe: Recipe, seed: int) -> Callable[[], object]:
    return lambda: fit(problem, recipe, seed=seed)


# -- both cores -------------------------------------------------------------------------------------------------


def one_core(name: str, data: str, runs: int, barrier: Any, results: Any) -> None:
    """Train half of the runs in a process that is already warm; puts its begin and end by the clock."""
    torch.set_num_threads(1)
    case = CASES[name]
    problem = unjudged(load_problem(case.problem, Path(data)))
    _, kinds = lengths(problem, case, 64)
    fit(problem, kinds["training"].with_({"steps": 2}))
    barrier.wait()
    begin = time.time()
    fit_many(problem, list(zip(recipes(kinds["training"], runs), range(runs), strict=True)))
    results.put((begin, time.time()))


def both_cores(name: str, data: Path, problem: Problem, runs: int = 64) -> tuple[float, float]:
    """Ratio of two processes against one hand-written loop, by the clock: once they run, and from a cold start."""
    case = CASES[name]
    steps, kinds = lengths(problem, case, runs)
    some = min(steps, 300)
    alone = seconds(lambda: hand(problem, case.recipe, some), time.time) / some * steps * runs
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(2), context.Queue()
    halves = [context.Process(target=one_core, args=(name, str(data), runs // 2, barrier, results)) for _ in range(2)]
    for process in halves:
        process.start()
    spans = [results.get() for _ in halves]
    for process in halves:
        process.join()
    warm = max(end for _, end in spans) - min(begin for begin, _ in spans)
    pairs = list(zip(recipes(kinds["training"], runs), range(runs), strict=True))
    cold = seconds(lambda: fit_many(unjudged(problem), pairs, workers=2), time.time)
    return alone / warm, alone / cold


# -- limits -----------------------------------------------------------------------------------------------------


def quickest(work: Callable[[], object], repeats: int = 20) -> float:
    work()
    return min(seconds(work) for _ in range(repeats))


def limits(problem: Problem, case: Case) -> dict[str, float]:
    """What the products (or convolutions) and the bytes of the update of a step would take alone."""
    recipe = lengths(problem, case, 64)[1]["training"]
    lanes = [Lane(problem, r, seed=i) for i, r in enumerate(recipes(recipe, 64))]
    choice = choose(lanes)
    assert choice.program is not None
    runs, first = choice.size, lanes[0]
    step = min(seconds_stacked(choice.program, lanes[:runs]) for _ in range(3))
    shapes: list[tuple[nn.Module, torch.Size]] = []
    handles = [
        module.register_forward_pre_hook(lambda m, given: shapes.append((m, given[0].shape)))
        for module in first.model.modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    ]
    assert isinstance(problem.train, Examples)
    first.model(problem.train.cut(0, recipe.batch_size).inputs)
    for handle in handles:
        handle.remove()
    flops, products = 0.0, 0.0
    for number, (module, shape) in enumerate(shapes):
        own, passes = one_layer(module, shape, runs, wanted=number > 0)
        products += quickest(passes) / runs
        flops += own * (3 if number else 2)
    numbers = sum(p.numel() for p in first.model.parameters())
    a, b = torch.zeros(runs * numbers), torch.ones(runs * numbers)
    bandwidth = 3 * 4 * a.numel() / quickest(lambda: a.add_(b))
    update = 7 * 4 * numbers / bandwidth  # reads gradient, weight and two averages, writes three of them
    return {
        "runs": runs, "products": products, "update": update, "step": step,
        "flops_per_second": flops / products, "bytes_per_second": bandwidth,
    }  # fmt: skip


def one_layer(module: nn.Module, shape: torch.Size, runs: int, wanted: bool) -> tuple[float, Callable[[], object]]:
    """Operations of the forward pass of one run, and the products of a step of a layer of all runs."""
    batch = shape[0]
    if isinstance(module, nn.Linear):
        weight = torch.randn(runs, module.out_features, module.in_features)
        x, y = torch.randn(runs, module.in_features, batch), torch.randn(runs, module.out_features, batch)
        to_weight, to_x = torch.empty_like(weight), torch.empty_like(x)

        def products() -> None:
            torch.bmm(weight, x, out=y)
            torch.bmm(y, x.mT, out=to_weight)
            if wanted:
                torch.bmm(weight.mT, y, out=to_x)

        return 2.0 * batch * module.in_features * module.out_features, products
    assert isinstance(module, nn.Conv2d)
    last = torch.channels_last
    x = torch.randn(batch, shape[1] * runs, *shape[2:]).contiguous(memory_format=last).requires_grad_(wanted)
    kernel = module.weight.detach().repeat(runs, 1, 1, 1).contiguous(memory_format=last).requires_grad_()

    def convolutions() -> None:
        y = F.conv2d(x, kernel, None, module.stride, module.padding, module.dilation, runs)
        torch.autograd.grad(y, [kernel, x] if wanted else [kernel], y.detach())

    area = module(torch.zeros(1, *shape[1:])).shape[2:].numel()
    return 2.0 * batch * area * module.weight.numel(), convolutions


# -- the page ---------------------------------------------------------------------------------------------------


def table(results: dict[str, dict[str, Any]]) -> str:
    lines = [
        "| problem | runs | what | steps | hand-written, us a step | own, us a step and run | ratio | goal at 64 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for case, found in results.items():
        for row in found["rows"]:
            goal = f"{row['goal']:g}" if row["runs"] == 64 and row["kind"] == "training" else ""
            times = f"{row['hand'] * 1e6:,.0f} | {row['own'] * 1e6:,.0f}"
            lines.append(
                f"| {case} | {row['runs']} | {row['kind']} | {row['steps']} | {times} | {row['ratio']:.2f} | {goal} |"
            )
        if "both" in found:
            warm, cold = found["both"]
            wanted = 2 * CASES[case].goal
            lines.append(f"| {case} | 64 | training, both cores | | | | {warm:.2f} | {wanted:g} |")
            lines.append(f"| {case} | 64 | the same with the start of both processes | | | | {cold:.2f} | |")
    lines += [
        "",
        "| problem | stack | products, us | at GFLOP/s | update, us | at GB/s | limit, us | step, us | share |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for case, found in results.items():
        own = found["limits"]
        limit = own["products"] + own["update"]
        rates = own["flops_per_second"] / 1e9, own["bytes_per_second"] / 1e9
        times = [f"{1e6 * own[name]:,.1f}" for name in ("products", "update", "step")]
        lines.append(
            f"| {case} | {own['runs']:.0f} | {times[0]} | {rates[0]:.0f} | {times[1]} | {rates[1]:.0f} "
            f"| {1e6 * limit:,.1f} | {times[2]} | {limit / own['step']:.0%} |"
        )
    return "\n".join(lines)


def write(page: Path, text: str) -> None:
    """Put the tables between the marks of the page."""
    old = page.read_text(encoding="utf-8")
    head, rest = old.split(BEGIN, 1)
    page.write_text(f"{head}{BEGIN}\n{text}\n{END}{rest.split(END, 1)[1]}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--runs", type=int, nargs="+", default=[16, 64, 256], choices=[16, 64, 256])
    parser.add_argument("--case", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one-core", action="store_true", help="leave out what uses both cores")
    parser.add_argument("--write", type=Path, help="page whose tables are replaced")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, dict[str, Any]] = {}
    for name in options.case:
        case = CASES[name]
        problem = load_problem(case.problem, options.data)
        rows, said = race(problem, case, options.runs, options.rounds)
        results[name] = {"rows": rows, "said": said, "limits": limits(problem, case)}
        if not options.one_core:
            results[name]["both"] = both_cores(name, options.data, problem)
        print(table({name: results[name]}), *said, "", sep="\n", flush=True)
    if options.write:
        write(options.write, table(results))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
