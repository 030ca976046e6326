"""Records of an imagined improvement on digits, with the shapes that the trainer writes; no training happens."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from trainwell.records import (
    Arm,
    Baselines,
    Best,
    CodeVersion,
    DataFacts,
    Difference,
    Environment,
    Evaluation,
    Finding,
    ImprovementRecord,
    LayerFacts,
    LogEntry,
    ModelFacts,
    Overlap,
    Place,
    ProblemFacts,
    RateTest,
    Remedy,
    RunFolder,
    RunInfo,
    Sanity,
    Series,
    SplitFacts,
    TrialFacts,
    save_improvement,
)
from trainwell.stats import mean_interval

STEPS_PER_EPOCH = 17
EPOCHS = 20
HOSTILE = "</script><script>alert('x')</script><img src=x onerror=alert(1)> {{ 7*7 }} | `a`"

PROBLEM = ProblemFacts(
    name="digits",
    task="multiclass",
    classes=10,
    metric="accuracy",
    direction="max",
    metrics=("accuracy", "log_loss"),
    loss="cross-entropy",
    examples={"train": 1078, "val": 359, "test": 360},
    input_shape=(64,),
    input_kind="table",
    fingerprint="9f3a52c1d08e",
)

BEFORE: dict[str, Any] = {
    "epochs": EPOCHS,
    "steps": None,
    "batch_size": 64,
    "accumulate": 1,
    "optimizer": {"name": "sgd", "lr": 1e-4, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0},
    "schedule": {"name": "constant", "warmup_steps": 0, "warmup_share": 0.0},
    "loss": {"name": "problem", "label_smoothing": 0.0, "class_weights": "none"},
    "inputs": {"scaling": "none"},
    "regularization": {"l1": 0.0, "l2": 0.0, "max_norm": 0.0},
    "augmentation": [],
    "clipping": {"name": "none", "limit": 1.0},
    "precision": {"dtype": "float32", "device": "auto"},
    "stopping": {"watch": "metric", "patience": None, "keep": "best"},
    "model": {},
}
AFTER: dict[str, Any] = {
    **BEFORE,
    "optimizer": {"name": "adamw", "lr": 0.0034, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.0217},
    "schedule": {"name": "cosine", "warmup_steps": 17, "warmup_share": 0.0, "floor": 0.0},
    "inputs": {"scaling": "standard"},
}
ENVIRONMENT = Environment(
    python="3.11.9",
    platform="Linux-6.1.0-x86_64-with-glibc2.36",
    packages={"torch": "2.13.0", "numpy": "2.4.1", "scipy": "1.18.0", "scikit-learn": "1.9.0", "trainwell": "0.1.0"},
    cpu="Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz",
    cores=2,
    command=(
        "trainwell",
        "improve",
        "digits",
        "--set",
        "optimizer=sgd",
        "--set",
        "optimizer.lr=1e-4",
        "--budget",
        "80s",
    ),
    code=CodeVersion(
        commit="d32c1209b0d5a1c8f7e1",
        branch="main",
        dirty=True,
        dirty_diff="--- a/x.py\n+++ b/x.py\n-1\n+2",
        diff_sha256="ab" * 32,
    ),
)
DATA = DataFacts(
    splits={
        name: SplitFacts(
            name,
            examples=n,
            looked_at=n,
            input_mean=4.9,
            input_std=6.0,
            input_min=0.0,
            input_max=16.0,
            label_counts={str(k): n // 10 for k in range(10)},
            duplicates=0,
            constant_share=0.05,
        )
        for name, n in PROBLEM.examples.items()
    },
    shift={"val": 0.11, "test": 0.14},
)
MODEL = ModelFacts(
    parameters=17_226,
    trainable=17_226,
    layers=(LayerFacts("0", "Linear", 8320), LayerFacts("1", "ReLU", 0), LayerFacts("2", "Linear", 8256)),
    output_shape=(10,),
)
BASELINES = Baselines(uninformed_loss=2.302, chance_metric=0.103, linear_metric=0.958)


def make_run(
    folder: Path,
    *,
    recipe: Mapping[str, Any] = BEFORE,
    seed: int = 0,
    floor: float = 0.1,
    speed: float = 0.15,
    top: float = 0.975,
    diverge_at: int | None = None,
    stop_after: int = EPOCHS,
    status: str | None = None,
    problem: ProblemFacts = PROBLEM,
    findings: tuple[Finding, ...] = (),
    parent: Mapping[str, Any] | None = None,
) -> RunInfo:
    """Write one run: losses fall exponentially with noise, the metric rises; it may diverge at an epoch."""
    rng = np.random.default_rng(seed)
    total = STEPS_PER_EPOCH * stop_after
    last = total if diverge_at is None else STEPS_PER_EPOCH * diverge_at + 5
    steps = np.arange(last)
    pace = speed * (1 + 0.12 * rng.standard_normal())
    loss = floor + (2.35 - floor) * np.exp(-pace * steps / STEPS_PER_EPOCH) * np.exp(0.16 * rng.standard_normal(last))
    loss += 0.02 * np.abs(rng.standard_normal(last))
    if diverge_at is not None:
        loss[-6:] = [4.0, 11.0, 90.0, 4e4, 1e12, math.nan]
    rate = float(recipe["optimizer"]["lr"])
    lr = np.full(last, rate)
    if recipe["schedule"]["name"] == "cosine":
        full = STEPS_PER_EPOCH * EPOCHS
        lr = rate * np.where(steps < 17, (steps + 1) / 17, 0.5 * (1 + np.cos(np.pi * (steps - 17) / (full - 17))))
    looked = steps[::10]
    norm = 2.5 * np.exp(-0.004 * looked) * np.exp(0.3 * rng.standard_normal(len(looked)))
    out = RunFolder(folder)
    out.append_steps({"loss": Series(steps, loss), "lr": Series(steps, lr)})
    ratio = 1e-3 * np.exp(0.2 * rng.standard_normal(len(looked)))
    out.append_steps({"gradient_norm": Series(looked, norm), "update_ratio": Series(looked, ratio)})
    rows: list[Evaluation] = []
    shift = 0.004 * rng.standard_normal()
    for epoch in range((diverge_at or stop_after) + 1):
        fallen = math.exp(-pace * epoch)
        for split, extra, gap in (("train", 0.0, 0.012), ("val", 0.06, 0.0)):
            value = floor + extra + (2.35 - floor) * fallen + 0.015 * rng.standard_normal()
            accuracy = min(1.0, 0.1 + (top + gap - 0.1) * (1 - fallen) + shift + 0.003 * rng.standard_normal())
            rows.append(
                Evaluation(
                    epoch * STEPS_PER_EPOCH,
                    float(epoch),
                    split,
                    max(value, 0.01),
                    {"accuracy": accuracy, "log_loss": max(value, 0.01)},
                    PROBLEM.examples[split],
                )
            )
    out.append_evaluations(rows)
    val = [row for row in rows if row.split == "val"]
    best = max(val, key=lambda row: row.metrics["accuracy"])
    state = status or ("diverged" if diverge_at is not None else "completed" if stop_after == EPOCHS else "stopped")
    reason = {
        "diverged": f"the training loss became nan at step {last - 1}",
        "stopped": "validation metric has not improved for 5 evaluations",
        "interrupted": "stopped by Ctrl-C",
    }.get(state, "reached its planned end")
    info = RunInfo(
        problem=problem,
        recipe=recipe,
        seed=seed,
        status=state,  # type: ignore[arg-type]
        reason=reason,
        started="2025-11-21T02:31:07",
        seconds=1.9,
        steps=last,
        planned_steps=STEPS_PER_EPOCH * EPOCHS,
        steps_per_epoch=STEPS_PER_EPOCH,
        best=Best(best.step, best.epoch, best.loss, best.metrics),
        problem_spec="digits",
        threads=1,
        parent=parent or {},
        environment=ENVIRONMENT,
    )
    out.write_info(info)
    out.write_facts(DATA, MODEL, BASELINES)
    out.write_findings(findings)
    return info


FINDINGS = (
    Finding(
        "class-imbalance",
        "advice",
        "The rarest class holds 9.6 % of the training examples; no class is short.",
        {"rarest_share": 0.0964, "rarest_class": 8, "examples": 104},
        Remedy("Nothing needs to change. Report balanced accuracy beside accuracy if classes get rarer."),
    ),
    Finding(
        "learning-rate-too-low",
        "error",
        "The loss has fallen by 6 % of what the range test reaches in the same number of steps: "
        "the rate 0.0001 is about 30 times too low.",
        {"fall_share": 0.061, "lr": 1e-4, "suggested_lr": 0.0034, "interval": [0.0011, 0.011], "steps": 340},
        Remedy("Raise the learning rate into the flat part of the range test.", {"optimizer.lr": 0.0034}),
        symptoms=(
            Finding(
                "underfitting",
                "warning",
                "Training accuracy ends at 62.3 %, the linear baseline reaches 95.8 %.",
                {"train_accuracy": 0.623, "linear_metric": 0.958},
                Remedy("Train better or longer, then enlarge it."),
            ),
        ),
    ),
    Finding(
        "unscaled-inputs",
        "warning",
        "Inputs have mean 4.9 and standard deviation 6.0; the largest feature varies 9 times as much as the smallest.",
        {"input_mean": 4.884, "input_std": 6.017, "feature_std": {"smallest": 0.67, "largest": 6.54}},
        Remedy(
            "Standardise the inputs with moments of the training split.",
            {"inputs.scaling": "standard"},
            "scaler = StandardScaler().fit(X_train)\nX_train = scaler.transform(X_train)",
        ),
        place=Place("train.py", 41),
    ),
)


def range_test() -> RateTest:
    """25 rates from 1e-6 to 10: flat, falling, best near 5e-3, then diverged."""
    rates = np.geomspace(1e-6, 10, 25)
    fall = 2.1 / (1 + (2e-4 / rates) ** 1.3)
    losses = 2.35 - fall + 1.7 * np.clip(np.log10(rates / 8e-3), 0, None) ** 2
    losses[rates > 0.2] = math.nan
    return RateTest(
        rates=tuple(rates),
        losses=tuple(losses),
        low=tuple(losses * 0.94),
        high=tuple(losses * 1.07),
        start_loss=2.35,
        suggestion=0.0056,
        interval=(0.0012, 0.018),
        largest_stable=0.178,
        reason="lowest loss after the test; steepest fall at 0.00018, stable up to 0.18",
    )


def trials(n: int = 30) -> tuple[TrialFacts, ...]:
    """Halving over three rungs with thirds going on; one row per trial, the rung is the last it reached."""
    rng = np.random.default_rng(5)
    lr = np.exp(rng.uniform(math.log(3e-4), math.log(0.3), n))
    wd = np.exp(rng.uniform(math.log(1e-5), math.log(0.3), n))
    wd[3] = 0.0
    value = 0.972 - 0.035 * np.log10(lr / 4e-3) ** 2 - 0.004 * np.log10((wd + 1e-5) / 0.02) ** 2
    value += 0.002 * rng.standard_normal(n)
    bad = lr > 0.12
    order = np.argsort(np.where(bad, 1, -value))
    rung_of = {int(k): 2 if place < 4 else 1 if place < 10 else 0 for place, k in enumerate(order)}
    rows, clock = [], 22.0
    for rung, epochs in enumerate((2.2, 6.7, 20.0)):
        for k in range(n):
            if rung_of[k] < rung:
                continue
            clock += 0.21 * (epochs if rung == 0 else epochs - (2.2, 6.7)[rung - 1])
            on = rung_of[k] > rung
            rows.append(
                TrialFacts(
                    number=k,
                    changes={"optimizer.lr": float(lr[k]), "optimizer.weight_decay": float(wd[k])},
                    epochs=epochs,
                    rung=rung,
                    metric=math.nan if bad[k] else float(value[k] - (0.05, 0.015, 0.0)[rung]),
                    loss=math.nan if bad[k] else float(1.2 * (1 - value[k])),
                    status="diverged" if bad[k] else "completed" if rung == 2 else "running",
                    ended_at_seconds=round(clock, 2),
                    promoted=on,
                    folder=f"runs/trial-{k:03d}",
                )
            )
    return tuple(rows)


ENTRIES = (
    LogEntry(
        "audit",
        "Audit of the data",
        "1,797 examples, no overlap between splits, 10 balanced classes; inputs are not scaled.",
        decision="Go on. Scaling becomes a candidate.",
        seconds=0.4,
        findings=FINDINGS[2:],
    ),
    LogEntry(
        "sanity",
        "Sanity before training",
        "Loss at the start 2.35, an uninformed guess has 2.30. One batch can be learned by heart (loss 0.003).",
        tried="Input-blind baseline 10.3 %, linear baseline 95.8 %.",
        decision="Model and loss are wired correctly.",
        seconds=1.6,
    ),
    LogEntry(
        "baseline",
        "Baseline over 5 seeds",
        "Validation accuracy 58.9 % (95 % interval 57.1 % to 60.7 %), 5 seeds; below the linear baseline.",
        decision="Training is the problem: the loss still falls steadily at the end.",
        seconds=9.7,
        findings=FINDINGS[1:2],
    ),
    LogEntry(
        "learning-rate",
        "Learning-rate range test",
        "Lowest loss at 0.0056, as good from 0.0012 to 0.018; diverges above 0.18.",
        tried="AdamW at 0.0056 against SGD at 0.0001",
        effect="validation accuracy +36.20 points (95 % interval +34.8 to +37.6, 5 paired seeds)",
        decision="Kept: the interval excludes zero.",
        seconds=8.8,
    ),
    LogEntry(
        "remedies",
        "Remedies of the findings, one at a time",
        tried="inputs.scaling = standard",
        effect="validation accuracy +0.31 points (95 % interval +0.05 to +0.57, 5 paired seeds)",
        decision="Kept.",
        seconds=4.9,
    ),
    LogEntry("dropout", "Dropout", skipped="the model factory offers no argument `dropout`"),
    LogEntry(
        "search",
        "Search around the best recipe",
        "30 trials, 3 rungs of 2.2, 6.7 and 20 epochs; 5 diverged.",
        tried="learning rate 0.0003 to 0.3, weight decay 1e-05 to 0.3",
        effect="validation accuracy +0.42 points (95 % interval +0.11 to +0.73, 5 paired seeds)",
        decision="Kept trial 17.",
        seconds=29.4,
    ),
    LogEntry(
        "proof",
        "Proof on fresh seeds and the test split",
        "10 fresh seeds per recipe, test data read once.",
        effect="test accuracy +38.4 points (95 % interval +36.9 to +39.9, 10 paired seeds), p = 0.002",
        decision="Better.",
        seconds=17.3,
    ),
)


def make_improvement(
    folder: Path,
    *,
    reached: str = "proof",
    diverged_seeds: tuple[int, ...] = (),
    problem: ProblemFacts = PROBLEM,
    verdict: str = "better",
) -> ImprovementRecord:
    """Write an improvement's folder up to a step: audit, baseline, learning-rate, search or proof."""
    order = ["audit", "sanity", "baseline", "learning-rate", "remedies", "dropout", "search", "proof"]
    done = order.index(reached)
    folder.mkdir(parents=True, exist_ok=True)
    record = ImprovementRecord(
        problem=problem,
        recipe_before=BEFORE,
        seed=0,
        started="2025-11-21T02:31:07",
        budget_seconds=80,
        status="interrupted" if reached != "proof" else "completed",
        seconds=round(sum(e.seconds for e in ENTRIES[: done + 1]), 1),
        epochs=20.0,
        problem_spec="digits",
        options={"recipe": {"optimizer": {"name": "sgd", "lr": 1e-4}}, "allow": [], "data": ""},
        entries=ENTRIES[: done + 1],
        data=DATA,
        model_facts=MODEL,
        environment=ENVIRONMENT,
    )
    if done >= 1:
        record = replace(
            record,
            baselines=BASELINES,
            sanity=Sanity(2.35, 2.303, 2.31, 0.003, 1.0),
        )
    if done >= 2:
        names = tuple(f"runs/baseline-{k}" for k in range(5))
        for k, name in enumerate(names):
            make_run(folder / name, seed=k, speed=0.045, problem=problem)
        record = replace(record, baseline_runs=names, findings=FINDINGS)
    if done >= 3:
        record = replace(record, rate_test=range_test())
    if done >= 6:
        record = replace(record, trials=trials())
    if done >= 7:
        record = replace(record, **_proof(folder, problem, diverged_seeds, verdict))
    save_improvement(folder, record)
    return record


def _proof(folder: Path, problem: ProblemFacts, diverged_seeds: tuple[int, ...], verdict: str) -> dict[str, Any]:
    rng = np.random.default_rng(11)
    seeds = tuple(range(1000, 1010))
    common = 0.006 * rng.standard_normal(10)
    before = 0.589 + common + 0.012 * rng.standard_normal(10)
    after = 0.973 + 0.3 * common + 0.004 * rng.standard_normal(10)
    if verdict == "cannot tell":
        before = after + 0.0006 + 0.004 * rng.standard_normal(10)
    arms = {}
    for name, values, recipe, speed in (("before", before, BEFORE, 0.045), ("after", after, AFTER, 0.55)):
        values = values.copy()
        folders = tuple(f"runs/proof-{name}-{seed}" for seed in seeds)
        for k, (seed, place) in enumerate(zip(seeds, folders, strict=True)):
            lost = name == "after" and k in diverged_seeds
            if lost:
                values[k] = math.nan
            make_run(
                folder / place, recipe=recipe, seed=seed, speed=speed, problem=problem, diverge_at=3 if lost else None
            )
        finite = mean_interval(values[np.isfinite(values)])
        arms[name] = Arm(recipe, seeds, tuple(values), finite.mean, tuple(finite.interval.to_list()), finite.n, folders)  # type: ignore
    paired = mean_interval(np.where(np.isnan(arms["after"].values), 0.0, arms["after"].values) - before)
    low, high = paired.interval.to_list()  # type: ignore[union-attr]
    said = (
        "the changed recipe is better than the starting one"
        if verdict == "better"
        else "it cannot be told which recipe is better"
    )
    p = 0.00195 if verdict == "better" else 0.41
    b, a = (
        f"{100 * arm.mean:.1f} % [{100 * arm.interval[0]:.1f} %, {100 * arm.interval[1]:.1f} %]"
        for arm in (arms["before"], arms["after"])
    )
    sentence = (
        f"On digits (1,078/359/360 examples for train/val/test), trained for 20 epochs, {said}: "
        f"test accuracy {a} after, {b} before; difference {100 * paired.mean:+.2f} points "
        f"(95 % interval {100 * low:+.2f} points to {100 * high:+.2f} points, paired over 10 fresh seeds, "
        f"sign-flip p = {p:.2g}). This holds for this split, "
        "this model and this length of training; nothing is claimed about other data, other lengths, or the "
        "optimizer in general."
    )
    examples = (paired.mean - 0.031, paired.mean + 0.034) if verdict == "better" else (paired.mean - 0.011, 0.013)
    return {
        "recipe_after": AFTER,
        "changes": ("optimizer: sgd -> adamw",),
        "before": arms["before"],
        "after": arms["after"],
        "difference": Difference(paired.mean, (low, high), p, 10, "t interval, sign-flip test (exact)", examples),
        "verdict": verdict,
        "sentence": sentence,
    }


def hostile_improvement(folder: Path) -> ImprovementRecord:
    """Every text that a person can name is an attack."""
    problem = replace(PROBLEM, name=HOSTILE, metric=HOSTILE, metrics=(HOSTILE,))
    record = make_improvement(folder, problem=problem)
    finding = Finding(
        HOSTILE, "error", HOSTILE, {HOSTILE: HOSTILE}, Remedy(HOSTILE, {HOSTILE: HOSTILE}, HOSTILE), Place(HOSTILE, 1)
    )
    record = replace(
        record,
        sentence=HOSTILE,
        findings=(finding,),
        entries=(LogEntry(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, findings=(finding,)),),
        data=DataFacts(splits={}, overlaps=(Overlap(HOSTILE, 1, 0.1),)),
        recipe_after={**AFTER, "model": {HOSTILE: HOSTILE}},
        problem_spec=HOSTILE,
        rate_test=replace(range_test(), reason=HOSTILE),
    )
    save_improvement(folder, record)
    return record
