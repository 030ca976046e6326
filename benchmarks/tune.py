"""Time until a search reaches a target: `trainwell.tune` against tuners that drive a hand-written loop.

    python benchmarks/tune.py --data ../shared/data [--case digits spambase mnist] [--seeds 10] [--write FILE]

The target of a problem is fixed beforehand: the lowest validation loss that plain random search reaches in `--trials`
full trials, the median over `--references` seeds of its own. Then each contender searches until a trial reaches the
target at an evaluation, at most `--cap` times as many full trials, once for each master seed, in turns. What counts is
the processor's time of one process on one thread; a search that never reached the target counts as the time it spent.
Ratios are medians over master seeds of (trainwell / contender of the same seed).

Every rival drives the best loop that we could write by hand: tensors in memory, one index permutation an epoch,
`AdamW(fused=True)`, one evaluation of the validation split an epoch. The space is the same for all: rate, weight decay,
dropout, first beta, label smoothing, schedule. The recipe that each ended with is trained on three fresh seeds and
judged on the test split once; "equivalent" means within one point of accuracy of the best contender.

- random: random search, full trials. With the default `--cap 2` it has twice the budget that set the target.
- tpe-hyperband: Optuna's TPE with its HyperbandPruner, where optuna is installed.
- one-epoch: `--trials` trials of one epoch, the best 5 at full length, and again with other points.
- ray-asha: Ray Tune's ASHA over random points with two workers on two cores, where ray is installed; workers are used
  again by later trials. It is timed by the clock from its first trial on, without the start of cluster and workers;
  against it the ratio of wall times counts (trainwell: one process, one thread).
- trainwell: `tune(..., method="focus", halving="asha")`: quasi-random points, later ones near the best, fused stacks.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch import Tensor
from torch.nn import functional as F

from trainwell.problem import Problem, load_problem
from trainwell.recipe import Recipe
from trainwell.space import Space, choice, log_uniform, reverse_log_uniform, uniform
from trainwell.train import Lane, Together
from trainwell.tune import draw, tune

SPACE = Space.of(
    {
        "optimizer.lr": log_uniform(1e-5, 1e-1),
        "optimizer.weight_decay": log_uniform(1e-4, 1.0),
        "optimizer.betas.0": reverse_log_uniform(0.5, 0.99),
        "model.dropout": choice(0.0, 0.1, 0.25, 0.5),
        "loss.label_smoothing": uniform(0.0, 0.2),
        "schedule": choice("constant", "linear", "cosine"),
    }
)
MARGIN = 0.01
TOP = 5


class Reached(Exception):
    """The target was reached."""


@dataclass
class Case:
    """A workload: problem, recipe, splits as tensors that the model takes, length of a full trial."""

    name: str
    problem: Problem
    recipe: Recipe
    train: tuple[Tensor, Tensor]
    val: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]

    @property
    def epochs(self) -> int:
        return self.recipe.epochs


@dataclass
class Found:
    """How a search ended."""

    seconds: float
    wall: float
    reached: bool
    trials: int
    loss: float
    changes: dict[str, Any]


def load(name: str, data: Path) -> Case:
    problem = load_problem(name, data)
    base = Recipe(optimizer="adamw", stopping={"watch": "loss"}, precision={"threads": 1})
    recipe = base.with_(
        {
            "digits": {"epochs": 20, "batch_size": 64, "model": {"width": 128}},
            "spambase": {
                "epochs": 12,
                "batch_size": 128,
                "inputs.scaling": "standardize",
                "model": {"width": 128, "depth": 2, "norm": "batch"},
            },
            "mnist": {"epochs": 5, "batch_size": 128},
        }[name]
    )
    splits: list[Any] = [problem.train, problem.val, problem.test]
    x = splits[0].inputs
    center, spread = (x.mean(0), x.std(0)) if recipe.inputs.scaling == "standardize" else (0.0, 1.0)
    train, val, test = [((s.inputs - center) / spread, s.targets) for s in splits]
    return Case(name, problem, recipe, train, val, test)


def judge(model: torch.nn.Module, split: tuple[Tensor, Tensor]) -> tuple[float, float]:
    model.eval()
    with torch.no_grad():
        scores = model(split[0])
        loss = F.cross_entropy(scores, split[1]).item()
        right = (scores.argmax(1) == split[1]).float().mean().item()
    model.train()
    return loss, right


FACTORS: dict[str, Callable[[float], float]] = {
    "constant": lambda p: 1.0,
    "linear": lambda p: 1.0 - p,
    "cosine": lambda p: 0.5 * (1 + math.cos(math.pi * p)),
}


def hand_written(
    case: Case, changes: dict[str, Any], seed: int, split: tuple[Tensor, Tensor] | None = None
) -> Iterator[tuple[float, float]]:
    """The best loop by hand; yields loss and accuracy of a split, by default the validation split, at each epoch."""
    torch.manual_seed(seed)
    x, y = case.train
    model = case.problem.build({**case.recipe.model, "dropout": changes["model.dropout"]})
    rate, size = changes["optimizer.lr"], case.recipe.batch_size
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=rate,
        betas=(changes["optimizer.betas.0"], 0.999),
        weight_decay=changes["optimizer.weight_decay"],
        fused=True,
    )
    factor, smoothing = FACTORS[changes["schedule"]], changes["loss.label_smoothing"]
    total, step = case.epochs * -(-len(x) // size), 0
    model.train()
    for _ in range(case.epochs):
        order = torch.randperm(len(x))
        for start in range(0, len(x), size):
            chosen = order[start : start + size]
            for group in optimizer.param_groups:
                group["lr"] = rate * factor(step / total)
            loss = F.cross_entropy(model(x[chosen]), y[chosen], label_smoothing=smoothing)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
        yield judge(model, split or case.val)


class Watch:
    """Times a search and ends it where the target is reached."""

    def __init__(self, target: float, clock: Callable[[], float]) -> None:
        self.target, self.clock = target, clock
        self.best, self.changes, self.trials = math.inf, {}, 0
        self.restart()

    def restart(self) -> None:
        """Begin to count the time here."""
        self._begun = self.clock(), time.perf_counter()

    def seen(self, loss: float, changes: dict[str, Any]) -> None:
        if loss < self.best:
            self.best, self.changes = loss, dict(changes)
            if loss <= self.target:
                raise Reached

    def found(self, reached: bool) -> Found:
        now = self.clock(), time.perf_counter()
        return Found(now[0] - self._begun[0], now[1] - self._begun[1], reached, self.trials, self.best, self.changes)


Search = Callable[[Case, int, int, int, Watch], None]


def random_search(case: Case, seed: int, trials: int, most: int, watch: Watch) -> None:
    for changes in draw(SPACE, most, seed=seed, method="random"):
        watch.trials += 1
        for loss, _ in hand_written(case, changes, seed):
            watch.seen(loss, changes)


def one_epoch(case: Case, seed: int, trials: int, most: int, watch: Watch) -> None:
    points = draw(SPACE, most * case.epochs, seed=seed, method="random")
    for first in range(0, len(points), trials):
        short = []
        for changes in points[first : first + trials]:
            watch.trials += 1
            loss = next(hand_written(case, changes, seed))[0]
            watch.seen(loss, changes)
            short.append((loss, changes))
        for _, changes in sorted(short, key=lambda pair: pair[0])[:TOP]:
            for loss, _ in hand_written(case, changes, seed):
                watch.seen(loss, changes)


def tpe_hyperband(case: Case, seed: int, trials: int, most: int, watch: Watch) -> None:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=seed)
    pruner = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=case.epochs, reduction_factor=3)
    study = optuna.create_study(sampler=sampler, pruner=pruner)

    def objective(trial: Any) -> float:
        watch.trials += 1
        changes = {
            "optimizer.lr": trial.suggest_float("lr", 1e-5, 1e-1, log=True),
            "optimizer.weight_decay": trial.suggest_float("weight_decay", 1e-4, 1.0, log=True),
            "optimizer.betas.0": 1 - trial.suggest_float("1 - beta", 0.01, 0.5, log=True),
            "model.dropout": trial.suggest_categorical("dropout", [0.0, 0.1, 0.25, 0.5]),
            "loss.label_smoothing": trial.suggest_float("label_smoothing", 0.0, 0.2),
            "schedule": trial.suggest_categorical("schedule", ["constant", "linear", "cosine"]),
        }
        best = math.inf
        for epoch, (loss, _) in enumerate(hand_written(case, changes, seed), 1):
            watch.seen(loss, changes)
            best = min(best, loss)
            trial.report(loss, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return best

    begun = watch._begun[0]
    limit = most * full_seconds(case)
    study.optimize(objective, callbacks=[lambda s, _: s.stop() if time.process_time() - begun > limit else None])


def ray_asha(case: Case, seed: int, trials: int, most: int, watch: Watch) -> None:
    import ray
    from ray import tune as ray_tune

    if not ray.is_initialized():
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        ray.get([ray.remote(_imported).remote() for _ in range(2)])
    shared = ray.put(case)

    def trainable(changes: dict[str, Any]) -> None:
        torch.set_num_threads(1)
        for loss, _ in hand_written(ray.get(shared), changes["point"], seed):
            ray_tune.report({"loss": loss})

    limit = most * full_seconds(case)

    class Enough(ray_tune.Stopper):
        def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
            return False

        def stop_all(self) -> bool:
            spent = time.perf_counter() - watch._begun[1] if watch.trials else 0.0
            return watch.best <= watch.target or spent > limit

    class Told(ray_tune.Callback):
        def on_trial_start(self, **_: Any) -> None:
            if not watch.trials:
                watch.restart()  # the start of its two workers is not counted
            watch.trials += 1

        def on_trial_result(self, *, trial: Any, result: dict[str, Any], **_: Any) -> None:
            with suppress(Reached):
                watch.seen(result["loss"], trial.config["point"])

    points = draw(SPACE, most * case.epochs, seed=seed, method="random")
    with TemporaryDirectory() as place:
        ray_tune.Tuner(
            ray_tune.with_resources(trainable, {"cpu": 1}),
            param_space={"point": ray_tune.grid_search(points)},
            tune_config=ray_tune.TuneConfig(
                scheduler=ray_tune.schedulers.ASHAScheduler(
                    metric="loss", mode="min", max_t=case.epochs, grace_period=1, reduction_factor=3
                ),
                max_concurrent_trials=2,
                reuse_actors=True,
            ),
            run_config=ray_tune.RunConfig(
                storage_path=place, stop=Enough(), callbacks=[Told()], verbose=0,
                checkpoint_config=ray_tune.CheckpointConfig(checkpoint_frequency=0),
            ),
        ).fit()  # fmt: skip
    if watch.best <= watch.target:
        raise Reached


def _imported() -> str:
    """What a worker imports is no part of its time."""
    return str(torch.__version__)


def trainwell_tune(case: Case, seed: int, trials: int, most: int, watch: Watch) -> None:
    study = tune(
        case.problem, SPACE, recipe=case.recipe, seed=seed, trials=20 * most, steps=most * steps_of(case),
        halving="asha", method="focus", confirm=0, target=watch.target,
    )  # fmt: skip
    watch.trials = study.result.trials
    for look in study.record.latest:
        if math.isfinite(look.loss):
            watch.seen(look.loss, dict(look.changes))


def steps_of(case: Case) -> int:
    return case.epochs * -(-len(case.train[0]) // case.recipe.batch_size)


_full: dict[str, float] = {}


def full_seconds(case: Case) -> float:
    """Processor's time of a full trial by the hand-written loop."""
    if case.name not in _full:
        begin = time.process_time()
        for _ in hand_written(case, draw(SPACE, 1, seed=0)[0], 0):
            pass
        _full[case.name] = time.process_time() - begin
    return _full[case.name]


CONTENDERS: dict[str, Search] = {"trainwell": trainwell_tune, "random": random_search, "one-epoch": one_epoch}
if find_spec("ray"):
    CONTENDERS["ray-asha"] = ray_asha
if find_spec("optuna"):
    CONTENDERS["tpe-hyperband"] = tpe_hyperband


def searched(name: str, case: Case, seed: int, trials: int, most: int, target: float) -> Found:
    watch = Watch(target, time.perf_counter if name == "ray-asha" else time.process_time)
    try:
        CONTENDERS[name](case, seed, trials, most, watch)
    except Reached:
        return watch.found(True)
    return watch.found(False)


def test_accuracy(case: Case, changes: dict[str, Any]) -> float:
    """Mean over three fresh seeds, at the last epoch."""
    return sum(list(hand_written(case, changes, 10_000 + s, case.test))[-1][1] for s in range(3)) / 3


def measure(case: Case, arguments: argparse.Namespace) -> list[str]:
    references = (
        [arguments.target]
        if arguments.target is not None
        else [
            searched("random", case, 1_000 + s, arguments.trials, arguments.trials, -math.inf).loss
            for s in range(arguments.references)
        ]
    )
    target = median(references)
    most = math.ceil(arguments.cap * arguments.trials)
    print(f"{case.name}: target {target!r} (references {', '.join(f'{v:.4f}' for v in references)})", flush=True)
    rows: dict[str, list[Found]] = {name: [] for name in arguments.contenders}
    begun = time.monotonic()
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        if seed > arguments.first and time.monotonic() - begun > 60 * arguments.minutes:
            break
        turn = seed % len(rows)
        order = [*list(rows)[turn:], *list(rows)[:turn]]
        for name in order:
            rows[name].append(found := searched(name, case, seed, arguments.trials, most, target))
            print(f"  seed {seed} {name}: {found}", flush=True)
    lines = []
    best_test = max(
        test := {n: median(test_accuracy(case, f.changes) for f in found) for n, found in rows.items()}.values()
    )
    values = dict(zip(rows, test, strict=True))
    for name, found in rows.items():
        ratio = median(a.seconds / b.seconds for a, b in zip(rows["trainwell"], found, strict=True))
        wall = median(a.wall / b.wall for a, b in zip(rows["trainwell"], found, strict=True))
        reached = sum(f.reached for f in found)
        equal = "yes" if values[name] >= best_test - MARGIN else "no"
        lines.append(
            f"| {case.name} | {name} | {median(f.seconds for f in found):.1f} | {median(f.wall for f in found):.1f} | "
            f"{reached} of {len(found)} | {median(f.trials for f in found):.0f} | {ratio:.2f} | {wall:.2f} | "
            f"{100 * values[name]:.2f} % | {equal} |"
        )
        print(lines[-1], flush=True)
    return lines


def overhead(case: Case, rounds: int, trials: int = 64) -> str:
    """Processor's time of a study on disk beyond that of the same runs as stacks without a study, in turns."""
    points = draw(SPACE, trials, seed=0)
    ratios, seconds = [], []
    for _ in range(rounds + 1):  # the first warms up
        with TemporaryDirectory() as place:
            begin = time.process_time()
            tune(case.problem, SPACE, recipe=case.recipe, trials=trials, halving=False, confirm=0, folder=Path(place))
            middle = time.process_time()
        edits = {"recording.initial": False, "recording.gradients_every": 1_000_000}
        lanes = [Lane(case.problem, case.recipe.with_({**point, **edits}), seed=100_000) for point in points]
        for lane in lanes:
            lane.parts.evaluated = {"val": lane.parts.evaluated["val"]}
        Together(lanes).advance()
        end = time.process_time()
        seconds.append((middle - begin) - (end - middle))
        ratios.append((middle - begin) / (end - middle) - 1)
    per_trial = median(seconds[1:]) / trials
    return (
        f"{case.name}: {1e3 * per_trial:.2f} ms of a trial are the study's, {100 * median(ratios[1:]):.1f} % of a "
        f"fused trial, {100 * per_trial / full_seconds(case):.2f} % of a trial by the hand-written loop"
    )


HEAD = [
    "| problem | contender | processor s | wall s | reached | trials | ours / it, processor | wall | test | equal |",
    "|---|---|---|---|---|---|---|---|---|---|",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--case", nargs="+", default=["digits", "spambase", "mnist"])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="the first master seed")
    parser.add_argument("--contenders", nargs="+", default=list(CONTENDERS), choices=list(CONTENDERS))
    parser.add_argument("--minutes", type=float, default=math.inf, help="no further master seed is begun after them")
    parser.add_argument("--references", type=int, default=3)
    parser.add_argument("--target", type=float, help="what an earlier run printed, instead of running the references")
    parser.add_argument("--trials", type=int, default=64)
    parser.add_argument("--cap", type=float, default=2.0, help="most full trials' worth of time, in units of --trials")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers <!-- tune: begin/end -->")
    parser.add_argument("--overhead", type=int, metavar="ROUNDS", help="measure the cost of a study itself instead")
    arguments = parser.parse_args()
    if arguments.write is not None and "<!-- tune: begin -->" not in arguments.write.read_text():
        parser.error(f"--write: {arguments.write} has no marker <!-- tune: begin -->. Put both where the table belongs")
    torch.set_num_threads(1)
    if arguments.overhead:
        for name in arguments.case:
            print(overhead(load(name, arguments.data), arguments.overhead), flush=True)
        return
    lines = [*HEAD]
    for name in arguments.case:
        lines += measure(load(name, arguments.data), arguments)
    if arguments.write is not None:
        text = arguments.write.read_text()
        before, _, rest = text.partition("<!-- tune: begin -->")
        _, _, after = rest.partition("<!-- tune: end -->")
        table = "\n".join(lines)
        arguments.write.write_text(f"{before}<!-- tune: begin -->\n{table}\n<!-- tune: end -->{after}")


if __name__ == "__main__":
    main()
