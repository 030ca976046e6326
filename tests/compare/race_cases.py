"""Made-up runs of a comparison, so that judging can be tested without training; and one small real comparison."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits, load_wine

from trainwell import Problem
from trainwell.compare.comparison import Comparison, compare, judge
from trainwell.compare.contender import Contender
from trainwell.compare.protocol import Plan, protocol_of
from trainwell.problem.models import mlp
from trainwell.recipe import Recipe
from trainwell.records.comparison import ComparisonRecord, ProtocolFacts, RaceRun
from trainwell.space import Space, log_uniform

SPACE = Space({"optimizer.lr": log_uniform(1e-4, 1.0)}, source="a test")


@cache
def small_digits() -> Problem:
    X, y = load_digits(return_X_y=True)
    return Problem(partial(mlp, 64, 10, width=16), (X[:400] / 16, y[:400]), name="digits")


def contenders(*names: str) -> list[Contender]:
    known = {"sgd": "sgd", "momentum": "sgd-momentum", "adamw": "adamw"}
    return [
        Contender(name, Recipe(optimizer=known.get(name, "adamw"), batch_size=64), SPACE, known.get(name, "adamw"))
        for name in names
    ]


@cache
def small_wine() -> Problem:
    X, y = load_wine(return_X_y=True)
    return Problem(partial(mlp, 13, 3, width=8), (X, y), name="wine")


def protocol(*names: str, problems: tuple[Problem, ...] = (), **plan: object) -> ProtocolFacts:
    several = problems or (small_digits(),)
    return protocol_of(several, contenders(*names), Plan(**{"trials": 8, "studies": 6, "seeds": 2, **plan}))


def fabricated(found: ProtocolFacts, means: dict[str, float], *, sd: float = 0.004, seed: int = 0) -> list[RaceRun]:
    """Runs whose test metric scatters around a mean for each contender."""
    rng = np.random.default_rng(seed)
    runs = []
    for problem in found.problems:
        for horizon in found.horizons:
            for contender in found.contenders:
                for study in range(found.studies):
                    luck = rng.normal(0, sd)
                    for role, count in (("trial", found.trials), ("final", found.seeds)):
                        for number in range(count):
                            value = means[contender.name] + rng.normal(0, sd if role == "final" else 3 * sd) + luck
                            steps = tuple(range(0, 10 * horizon + 1, 10 * max(1, horizon // 5)))
                            curve = tuple(float(value * (1 - 0.7 * np.exp(-s / (3 * horizon)))) for s in steps)
                            runs.append(
                                RaceRun(
                                    problem=problem.facts.name, horizon=horizon, contender=contender.name,
                                    study=study,
                                    role=role, number=number, seed=number,
                                    changes={"optimizer.lr": float(10 ** rng.uniform(-3, -1))}, status="completed",
                                    value=value, loss=1 - value, last=value, area=value, steps=10 * horizon,
                                    seconds=1.0, test=value if role == "final" else None,
                                    curve_steps=steps, curve=curve,
                                )
                            )  # fmt: skip
    return runs


def judged(found: ProtocolFacts, runs: list[RaceRun], notes: tuple[dict[str, object], ...] = ()) -> ComparisonRecord:
    return judge(ComparisonRecord(found, "2026-01-01"), runs, notes)


def made_up(means: dict[str, float], **plan: object) -> ComparisonRecord:
    found = protocol(*means, **plan)
    return judged(found, fabricated(found, means))


def small_comparison(folder: Path | None = None, **changes: object) -> Comparison:
    settings = {"trials": 2, "studies": 4, "seeds": 1, "epochs": 1, "folder": folder, **changes}
    return compare(small_digits(), contenders("momentum", "adamw"), **settings)  # type: ignore[arg-type]
