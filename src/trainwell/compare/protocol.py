"""The protocol: everything that is fixed before the first run, validated as a whole."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from trainwell.compare.contender import Contender
from trainwell.errors import TrainwellError, UsageError, unknown_name
from trainwell.problem import Problem
from trainwell.recipe.mistakes import listed
from trainwell.records.comparison import MARGIN_POINTS, ProtocolFacts, RaceProblem
from trainwell.report.wording import is_share
from trainwell.seeding import master_seeds
from trainwell.stats.values import FEWEST_PAIRED, FEWEST_UNPAIRED
from trainwell.train.knowledge import baseline_facts

TUNING, FINAL = 6, 7  # purposes of `master_seeds`: never shared with each other, nor with those of `improve`
METHODS = ("sobol", "halton", "random")
_ADAPTIVE = ("focus", "tpe", "gp", "bayes", "cmaes", "asha", "hyperband", "optuna")
_PROTOCOL_LENGTH = ("epochs", "steps")


@dataclass(frozen=True)
class Plan:
    """What a person asks for; `ProtocolFacts` is what becomes of it.

    Attributes:
        trials: Trials of a study.
        studies: Independent studies of each contender.
        seeds: Fresh seeds for the winner of a study.
        horizons: Lengths at which everything is tuned and judged. [epochs]
        claim: C2 (procedures) or C1 (tuned configurations).
        margin: Difference that counts as none; None for 0.01 of a share, and else never. [units of the metric]
        target: Validation metric of the time to target.
        seconds: Equal wall time of training in place of equal steps. [whole seconds per run]
    """

    trials: int = 20
    studies: int = 10
    seeds: int = 3
    horizons: tuple[int, ...] = (30,)
    claim: Literal["C1", "C2"] = "C2"
    seed: int = 0
    level: float = 0.95
    family: Literal["all", "first"] = "all"
    margin: float | None = None
    target: float | None = None
    seconds: int | None = None
    method: str = "sobol"

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Plan:
        """A plan from a table of a protocol file.

        Raises:
            UsageError: For unknown fields.
        """
        known = [field.name for field in fields(cls)]
        given = dict(table)
        if "epochs" in given and "horizons" not in given:
            given["horizons"] = [given.pop("epochs")]
        unknown = [unknown_name("field", key, [*known, "epochs"]) for key in given if key not in known]
        if unknown:
            raise UsageError(listed("the protocol", unknown))
        if "horizons" in given:
            several = given["horizons"]
            given["horizons"] = tuple(several) if isinstance(several, list | tuple) else (several,)
        return cls(**given)


def protocol_of(problems: Sequence[Problem], contenders: Sequence[Contender], plan: Plan) -> ProtocolFacts:
    """Validate everything and write it down.

    Raises:
        UsageError: With every mistake in one message.
    """
    mistakes = [*_of_plan(plan), *_of_problems(problems), *_of_contenders(contenders, plan)]
    if mistakes:
        raise UsageError(listed("the protocol", mistakes))
    finals = master_seeds(plan.seed, FINAL, plan.studies * plan.seeds)
    return ProtocolFacts(
        problems=tuple(_problem(problem, contenders[0], plan) for problem in problems),
        contenders=tuple(contender.facts() for contender in contenders),
        trials=plan.trials,
        studies=plan.studies,
        seeds=plan.seeds,
        horizons=tuple(sorted(plan.horizons)) if plan.seconds is None else (plan.seconds,),
        claim=plan.claim,
        seed=plan.seed,
        tuning_seeds=tuple(master_seeds(plan.seed, TUNING, plan.studies)),
        final_seeds=tuple(tuple(finals[k * plan.seeds : (k + 1) * plan.seeds]) for k in range(plan.studies)),
        level=plan.level,
        family=plan.family,
        equal="steps" if plan.seconds is None else "seconds",
        method=plan.method,
    )


def _of_plan(plan: Plan) -> Iterator[str]:
    for name, least in (("trials", 1), ("studies", 1), ("seeds", 1), ("seed", 0)):
        value = getattr(plan, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            yield f"`{name}` must be a whole number of at least {least}, got {value!r}. Say {name} = {max(least, 10)}"
            return
    for name in ("level", "margin", "target", "seconds"):
        value = getattr(plan, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            yield f"`{name}` must be a number, got {value!r}. Write it without quotes"
            return
    bad = [h for h in plan.horizons if isinstance(h, bool) or not isinstance(h, int) or h < 1]
    if bad or not plan.horizons:
        yield f"`horizons` must be whole numbers of at least 1, got {list(plan.horizons)}. Say horizons = [30]"
    elif len(set(plan.horizons)) < len(plan.horizons):
        yield f"`horizons` must differ, got {list(plan.horizons)}. Name each once"
    if plan.claim not in ("C1", "C2"):
        yield f"`claim` must be C1 (tuned configurations) or C2 (procedures), got {plan.claim!r}. Say claim = C2"
    elif plan.claim == "C2" and plan.studies < FEWEST_UNPAIRED:
        yield (
            f"`studies` must be at least {FEWEST_UNPAIRED} for a claim about procedures (C2), got {plan.studies}: "
            "the luck of tuning is only seen by tuning again, and fewer units allow no p-value. Say "
            "--studies 5, or claim less: --claim C1 --studies 1 --seeds 10"
        )
    elif plan.claim == "C1" and plan.studies != 1:
        yield f"`studies` must be 1 where one tuned configuration is judged (C1), got {plan.studies}. Say --studies 1"
    elif plan.claim == "C1" and plan.seeds < FEWEST_PAIRED:
        yield (
            f"`seeds` must be at least {FEWEST_PAIRED} for a claim about configurations (C1), got {plan.seeds}: "
            "fewer pairs allow no p-value. Say --seeds 10"
        )
    if plan.studies * plan.seeds > 100_000:
        yield f"`studies` times `seeds` must be at most 100,000, got {plan.studies * plan.seeds:,}. Lower one"
    if not 0 < plan.level < 1:
        yield f"`level` must lie between 0 and 1, got {plan.level}. Say level = 0.95"
    if plan.family not in ("all", "first"):
        yield f"`family` must be all (every pair) or first (each against the first), got {plan.family!r}"
    if plan.margin is not None and not 0 < plan.margin < math.inf:
        yield f"`margin` must be above 0, got {plan.margin}. Leave it out, or state one"
    if plan.seconds is not None and (
        isinstance(plan.seconds, bool) or plan.seconds != int(plan.seconds) or plan.seconds < 1
    ):
        yield f"`seconds` must be a whole number of at least 1, got {plan.seconds}. Shorter runs measure the clock"
    if plan.target is not None and not math.isfinite(plan.target):
        yield f"`target` must be a finite validation metric, got {plan.target}. Say target = 0.95"
    if plan.method in _ADAPTIVE:
        yield (
            f"`method` must have independent trials ({', '.join(METHODS)}), got {plan.method}: trials of an adaptive "
            "sampler depend on each other, which hides the luck of tuning. Say method = sobol"
        )
    elif plan.method not in METHODS:
        yield f"`method`: {unknown_name('method of drawing', str(plan.method), METHODS)}"


def _of_problems(problems: Sequence[Problem]) -> Iterator[str]:
    if not problems:
        yield "`problems` must name at least one problem, got none. Say digits"
    for name, count in Counter(problem.name for problem in problems).items():
        if count > 1:
            yield f"`problems` must have different names, got {name} {count} times. Rename one: Problem(name=...)"
    for problem in problems:
        if problem.test is None:
            yield (
                f"`problems`: {problem.name} must have test data, got none: validation data choose the winners and "
                "cannot judge them. Give Problem(test=0.1)"
            )
        if problem.metric.direction not in ("max", "min"):
            yield (
                f"`problems`: the metric {problem.metric.name} of {problem.name} must say which direction is better, "
                f"got {problem.metric.direction!r}. Write metrics={{name: (function, 'max')}}"
            )


def _of_contenders(contenders: Sequence[Contender], plan: Plan) -> Iterator[str]:
    if len(contenders) < 2:
        yield f"`contenders` must be at least two, got {len(contenders)}. Say for example sgd-momentum adamw"
    for name, count in Counter(contender.name for contender in contenders).items():
        if count > 1:
            yield f"`contenders` must have different names, got {name} {count} times. Say other={name}"
    for contender in contenders:
        yield from _of_space(contender, plan)
    examples = {c.name: c.recipe.batch_size * c.recipe.accumulate for c in contenders}
    if plan.seconds is None and len(set(examples.values())) > 1:
        said = ", ".join(f"{name} {size}" for name, size in examples.items())
        yield (
            f"`contenders` must make the same number of updates, got batches of different size: {said}. Give all the "
            "same batch_size, or compare by time with --seconds"
        )


def _of_space(contender: Contender, plan: Plan) -> Iterator[str]:
    place = f"`contenders.{contender.name}`"
    if contender.recipe.stopping.seconds is not None:
        yield f"{place} must leave stopping.seconds to the protocol, got one. Say --seconds for all"
    if contender.space is None:
        yield (
            f"{place} must have a space that it is tuned over, got none: a claim is about A(space, budget). Add a "
            "[space] to its file; fixed recipes are compared over splits: --repeats 10 --split 80/20"
        )
        return
    try:
        contender.space.check(contender.recipe)
    except TrainwellError as error:
        yield f"{place}: {error}"
        return
    for path in contender.space.paths:
        if path in _PROTOCOL_LENGTH or path == "stopping.seconds":
            yield f"{place} must leave `{path}` to the protocol, got it in the space. Tune at each length: --horizons"
        if path in ("batch_size", "accumulate") and plan.seconds is None:
            yield (
                f"{place} must make as many updates in every trial, got `{path}` in the space. Fix it, or compare by "
                "time with --seconds"
            )


def _problem(problem: Problem, contender: Contender, plan: Plan) -> RaceProblem:
    facts = problem.facts()
    margin = plan.margin
    if margin is None and is_share(facts.metric):
        margin = MARGIN_POINTS
    worst = baseline_facts(problem).chance_metric
    return RaceProblem(
        facts=facts,
        spec=problem.spec,
        worst=worst if worst is not None and math.isfinite(worst) else None,
        model=_model(problem, contender),
        margin=margin,
        target=plan.target,
    )


def _model(problem: Problem, contender: Contender) -> str:
    factory = getattr(problem.factory, "func", problem.factory)
    built = problem.build(contender.recipe.model)
    return f"{getattr(factory, '__name__', 'model')} of {sum(p.numel() for p in built.parameters()):,} parameters"
