"""Does `compare` keep its error rates? A against A, planted differences, coverage, on real training.

    python benchmarks/calibration.py [--data DIR] [--problems digits spambase] [--out FOLDER]

Two contenders of one space are compared over many studies (the bank). Study i of both shares its seeds, as in every
comparison; draws differ. The bank stands for all studies there could be: a comparison of n studies draws n of its pairs
of studies at random, with replacement, and the truth is the bank's. How much a rate hangs on the bank at hand is shown
by banks redrawn from it: the interval of a rate is that of 400 comparisons from one of them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from trainwell import load_problem
from trainwell.compare import Contender, compare
from trainwell.compare.contender import BASE
from trainwell.compare.pairs import race_pairs
from trainwell.compare.results import study_results
from trainwell.records.comparison import ComparisonFolder
from trainwell.stats import detectable_difference_unpaired, power_unpaired, studentised_permutation, verdict, welch

STUDIES, TRIALS, SEEDS, COMPARISONS = 60, 20, 10, 400
LENGTHS = {"digits": 15, "spambase": 5}
REDRAWS = 10  # of the bank, for the interval of a rate


def bank(name: str, data: Path | None, out: Path) -> tuple[np.ndarray, np.ndarray]:
    """Test metric of every winner by (contender, study, seed), and its mean over the first three seeds."""
    problem = load_problem(name, data)
    base = BASE.with_({"inputs.scaling": "standardize"}) if name == "spambase" else BASE
    folder = out / f"bank-{name}"
    contenders = [Contender.of(called, "adamw", base=base) for called in ("A", "B")]
    if not (folder / "comparison.json").is_file():
        compare(
            problem, contenders, trials=TRIALS, studies=STUDIES, seeds=SEEDS, epochs=LENGTHS[name], folder=folder,
            listener=print,
        )  # fmt: skip
    here = ComparisonFolder(folder)
    protocol, runs = here.protocol(), here.runs()
    found = study_results(protocol, runs, protocol.problems[0], LENGTHS[name])
    tests = np.array([[study.tests for study in found[called]] for called in ("A", "B")])
    # The comparison itself, with all its studies, by the same path as any.
    (pair,) = race_pairs(protocol, {(name, LENGTHS[name]): found})
    print(f"{name}: all {STUDIES} studies: {pair.verdict}, difference {100 * pair.difference.mean:+.2f} points")
    return tests, tests[:, :, :3].mean(axis=2)


def rate(values_CS: np.ndarray, n: int, shift: float, rng: np.random.Generator, count: int) -> dict[str, float]:
    """Share of comparisons of n studies that claim a difference, and of intervals that hold the truth."""
    claims, covered = [], []
    for _ in range(count):
        a, b = values_CS[:, rng.integers(values_CS.shape[1], size=n)]
        found = studentised_permutation(a, b + shift)
        claims.append(verdict(found, None, True) in ("better", "worse"))
        covered.append(found.interval is not None and not found.interval.excludes(shift))
    return {"claims": float(np.mean(claims)), "covered": float(np.mean(covered))}


def with_interval(values_CS: np.ndarray, n: int, shift: float, seed: int) -> dict[str, object]:
    """A rate over 400 comparisons, and its standard error over redrawn banks."""
    rng = np.random.default_rng(seed)
    found = rate(centred(values_CS), n, shift, rng, COMPARISONS)
    studies = values_CS.shape[1]
    spread = [
        rate(centred(values_CS[:, rng.integers(studies, size=studies)]), n, shift, rng, COMPARISONS)
        for _ in range(REDRAWS)
    ]
    errors = {key: float(np.std([s[key] for s in spread], ddof=1)) for key in found}
    return {"n": n, "shift": shift, **found, "standard_errors": errors}


def centred(values_CS: np.ndarray) -> np.ndarray:
    """A bank in which both contenders are equal: the truth of A against A is 0."""
    return values_CS - values_CS.mean(axis=1, keepdims=True) + values_CS.mean()


def naive(tests_CSK: np.ndarray, seeds: int, count: int, rng: np.random.Generator) -> float:
    """False alarms where each is tuned once and the winner is rerun on several seeds, by Welch's test."""
    alarms = []
    for _ in range(count):
        i, j = rng.choice(tests_CSK.shape[1], 2, replace=False)
        chosen = rng.choice(tests_CSK.shape[2], seeds, replace=False)
        p = welch(tests_CSK[0, i, chosen], tests_CSK[1, j, chosen]).p_value
        alarms.append(p is not None and p < 0.05)
    return float(np.mean(alarms))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--problems", nargs="+", default=["digits", "spambase"])
    parser.add_argument("--out", type=Path, default=Path("runs/calibration"))
    options = parser.parse_args()
    everything = {}
    for name in options.problems:
        tests, values = bank(name, options.data, options.out)
        finite = np.nan_to_num(values, nan=0.0)
        sd = float(np.sqrt(finite.var(axis=1, ddof=1).mean()))
        paired = float(np.corrcoef(finite)[0, 1])
        results: dict[str, object] = {"sd_of_studies": sd, "correlation_of_study_pairs": paired}
        rng = np.random.default_rng(0)
        results["naive"] = {k: naive(tests, k, COMPARISONS, rng) for k in (4, 5, 10)}
        for n in (5, 7):
            equal = with_interval(finite, n, 0.0, 1)
            shift = detectable_difference_unpaired(n, sd)
            planted = with_interval(finite, n, shift, 2)
            results[f"n={n}"] = {"equal": equal, "planted": planted, "predicted": power_unpaired(n, sd, shift)}
        everything[name] = results
        print(json.dumps({name: results}, indent=1))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "calibration.json").write_text(json.dumps(everything, indent=1))


if __name__ == "__main__":
    main()
