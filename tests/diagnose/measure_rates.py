"""How often rules on curves are right: real small trainings over 11 learning rates each. Not a test; run by hand.

    python tests/diagnose/measure_rates.py FIRST_SEED GROUPS

A group is one random setting (data, network, optimizer, schedule, ...) trained at 11 rates. The truth about a run is
told by its siblings: `low` if a higher rate reaches a validation loss that is better by 30 % of the best gain over the
uninformed guess, `high` if a lower one does or it diverged, `good` if no other rate is better by 10 % and no lower one
ends with a training loss that is, `between` else.
Runs of under 40 steps that are low count as `short`. Settings whose labels were shuffled are `broken` at every rate;
those in which no rate gains 5 % on the guess are `hopeless`: nothing can be said about rates there.

Thresholds were set on seeds 0 to 139 of an earlier form of this script, then judged on 1000 to 1139 and, with our own
trainer, on 6000 to 6099; what these showed was mended, and seeds 7000 to 7099 judged the result (see the pages).
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn import datasets

from trainwell.diagnose import diagnose, flattened
from trainwell.problem import Problem, models
from trainwell.recipe import Recipe
from trainwell.records import RunRecord
from trainwell.train import fit

SGD_RATES = (1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0, 10.0)
ADAM_RATES = (1e-7, 1e-6, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 1.0)
DATA = (
    "digits", "few digits", "noisy digits", "shuffled labels", "cancer", "wine", "moons", "weak", "parity",
    "rare class", "diabetes", "friedman",
)  # fmt: skip
TRUTHS = ("good", "between", "low", "short", "high", "broken", "hopeless")


def arrays(name: str, rng: np.random.Generator) -> tuple[Any, Any]:
    """Inputs and targets of one data set."""
    if "digits" in name or name == "shuffled labels":
        X, y = datasets.load_digits(return_X_y=True)
        if name == "few digits":
            some = rng.permutation(len(X))[:400]
            X, y = X[some], y[some]
        if name == "noisy digits":
            y = np.where(rng.random(len(y)) < 0.4, rng.integers(0, 10, len(y)), y)
        return X, rng.permutation(y) if name == "shuffled labels" else y
    if name in ("cancer", "wine", "diabetes"):
        loaders = {
            "cancer": datasets.load_breast_cancer,
            "wine": datasets.load_wine,
            "diabetes": datasets.load_diabetes,
        }
        return loaders[name](return_X_y=True)
    if name == "moons":
        return datasets.make_moons(1000, noise=0.3, random_state=int(rng.integers(1e6)))
    if name == "friedman":
        return datasets.make_friedman1(1500, noise=1.0, random_state=int(rng.integers(1e6)))
    if name == "parity":
        X = rng.integers(0, 2, (1500, 8)) * 2.0 - 1
        return X + 0.05 * rng.normal(size=X.shape), (X[:, 0] * X[:, 1] * X[:, 2] > 0).astype(int)
    X = rng.normal(size=(2000, 20))
    if name == "weak":
        return X, (rng.random(2000) < 1 / (1 + np.exp(-0.35 * X[:, 0]))).astype(int)
    return X, (X[:, 0] + 0.7 * rng.normal(size=2000) > 2.0).astype(int)


def setting(seed: int) -> tuple[str, Problem, Recipe, Sequence[float]]:
    """A random problem and recipe, and the rates to try."""
    rng = np.random.default_rng(seed)
    name = str(rng.choice(DATA))
    X, y = arrays(name, rng)
    numbers = name in ("diabetes", "friedman")
    model = partial(models.mlp, inputs=X.shape[1], outputs=1 if numbers else int(y.max()) + 1)
    problem = Problem(model, (X, y.astype(np.float32 if numbers else np.int64)), val=0.2, test=0.2, name=name)
    optimizer = str(rng.choice(["sgd", "momentum", "adam", "adamw"]))
    schedule = str(rng.choice(["constant", "constant", "cosine", "linear", "step", "one-cycle"]))
    edits: dict[str, Any] = {
        "epochs": int(rng.choice([5, 10, 20, 20, 40])) * (2 if name == "parity" else 1),
        "batch_size": min(int(rng.choice([16, 32, 64, 64, 128, 256])), len(problem.train)),
        "optimizer": optimizer,
        "optimizer.weight_decay": float(rng.choice([0, 0, 1e-4, 1e-2, 0.1])),
        "schedule": schedule,
        "loss.label_smoothing": 0.0 if numbers else float(rng.choice([0, 0, 0, 0.1])),
        "clipping": str(rng.choice(["none", "none", "none", "norm"])),
        "inputs.scaling": "standardize" if rng.random() < 0.85 else "none",
        "targets.scaling": "standardize" if numbers else "none",
        "model.width": int(rng.choice([32, 64, 128])),
        "model.depth": int(rng.choice([0, 1, 1, 2, 2, 5])),
        "model.activation": str(rng.choice(["relu", "relu", "tanh", "gelu"])),
        "model.norm": str(rng.choice(["none", "none", "none", "batch", "layer"])),
        "model.dropout": float(rng.choice([0, 0, 0, 0.2, 0.5])),
    }
    if schedule != "one-cycle":
        edits["schedule.warmup_share"] = float(rng.choice([0, 0, 0.05, 0.1]))
    rates = SGD_RATES if optimizer in ("sgd", "momentum") else ADAM_RATES
    return name, problem, Recipe().with_(edits), rates


def truths(name: str, runs: Sequence[RunRecord]) -> list[str]:
    """What each run of a group is, by its siblings' best validation losses after the start."""
    if name == "shuffled labels":
        return ["broken"] * len(runs)
    guess = 1.0 if runs[0].recipe_value("targets.scaling") == "standardize" else runs[0].baselines.uninformed_loss
    best, end = [], []
    for run in runs:
        losses = [row.loss for row in run.evaluations("val") if row.step > 0 and np.isfinite(row.loss)]
        best.append(min(losses, default=np.inf))
        end.append(np.inf if run.diverged else float(np.median(run.evaluations("train").loss[-3:])))
    if guess - min(best) < 0.05 * guess:
        return ["hopeless"] * len(runs)
    scale, train_scale = (max(guess - min(values), 0.02 * guess) for values in (best, end))
    found = []
    for i, run in enumerate(runs):
        lower, higher = ((best[i] - min(part, default=np.inf)) / scale for part in (best[:i], best[i + 1 :]))
        if run.diverged or lower > 0.3:
            found.append("high")
        elif higher > 0.3:
            found.append("low" if run.info.steps >= 40 else "short")
        else:
            fitted = (end[i] - min(end[:i], default=np.inf)) / train_scale
            found.append("good" if max(lower, higher, fitted) < 0.1 else "between")
    return found


def main(first: int, groups: int) -> None:
    torch.set_num_threads(1)
    total, counts, examples = Counter(), Counter(), []
    for seed in range(first, first + groups):
        name, problem, recipe, rates = setting(seed)
        runs = [fit(problem, recipe.with_({"optimizer.lr": rate}), seed=seed) for rate in rates]
        for rate, run, truth in zip(rates, runs, truths(name, runs), strict=True):
            total[truth] += 1
            for finding in flattened(diagnose(run)):
                if finding.is_alarm:
                    counts[finding.rule, truth] += 1
                    if truth == "good":
                        examples.append(f"seed {seed} {name} rate {rate:g}: {finding.rule}: {finding.message}")
        print(f"\rseed {seed}", end="", file=sys.stderr, flush=True)
    print(f"\n{'alarms':28}" + "".join(f"{truth:>10}" for truth in TRUTHS))
    print(f"{'runs':28}" + "".join(f"{total[truth]:10}" for truth in TRUTHS))
    for rule in sorted({rule for rule, _ in counts}):
        print(f"{rule:28}" + "".join(f"{counts[rule, truth]:10}" for truth in TRUTHS))
    print("\nalarms on good runs:", *examples, sep="\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
