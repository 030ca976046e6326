"""Where a result was made and how to make it again."""

from __future__ import annotations

import shlex
from pathlib import PurePath

from trainwell.records import Environment, ImprovementRecord, RunInfo
from trainwell.report.views.recipes import flatten
from trainwell.report.wording import setting_text, value_text


def environment_rows(environment: Environment | None) -> tuple[tuple[str, str], ...]:
    """Command, code, versions and hardware, one row each; what is unknown is left out."""
    if environment is None:
        return ()
    code = environment.code
    state = f"{code.commit[:12]} on {code.branch}" if code.commit else "not in a git repository"
    if code.dirty:
        state += f", with uncommitted changes (sha256 {code.diff_sha256[:12]})"
    rows = [
        ("started as", _command(environment.command)),
        ("code", state),
        ("packages", ", ".join(f"{name} {version}" for name, version in environment.packages.items())),
        ("python", environment.python),
        ("platform", environment.platform),
        (
            "processor",
            f"{environment.cpu}, {environment.cores} cores" if environment.cpu else f"{environment.cores} cores",
        ),
        ("accelerator", environment.accelerator),
    ]
    return tuple((name, text) for name, text in rows if text)


def repeat_command(record: ImprovementRecord) -> str:
    """The command that repeats an improvement; empty for a problem made in memory."""
    if not record.problem_spec:
        return ""
    words = ["trainwell", "improve", record.problem_spec, *_settings(record.options.get("recipe"))]
    words += ["--budget", f"{record.budget_seconds:g}s", "--seed", str(record.seed)]
    if data := record.options.get("data"):
        words += ["--data", str(data)]
    for rule in record.options.get("allow") or ():
        words += ["--allow", str(rule)]
    return shlex.join(words)


def repeat_run_command(info: RunInfo) -> str:
    """The command that repeats one run from its folder; empty for a problem made in memory."""
    words = ["trainwell", "fit", info.problem_spec, "--recipe", "recipe.toml", "--seed", str(info.seed)]
    return shlex.join(words) if info.problem_spec else ""


def problem_rows(record: ImprovementRecord | RunInfo) -> tuple[tuple[str, str], ...]:
    """The problem's task, data and metric."""
    facts = record.problem
    return (
        ("problem", f"{facts.name}, {facts.task}" + (f", {facts.classes} classes" if facts.classes else "")),
        ("examples", ", ".join(f"{count:,} {split}" for split, count in facts.examples.items())),
        ("input", f"{facts.input_kind}, shape {value_text(facts.input_shape)}"),
        ("loss", facts.loss),
        ("decided by", f"{facts.metric}, {'higher' if facts.higher_is_better else 'lower'} is better"),
        ("data fingerprint", facts.fingerprint),
    )


def _command(words: tuple[str, ...]) -> str:
    return shlex.join([PurePath(words[0]).name, *words[1:]]) if words and words[0] not in ("", "-", "-c") else ""


def _settings(recipe: object) -> list[str]:
    if not isinstance(recipe, dict):
        return []
    fields = sorted(flatten(recipe), key=lambda field: not field[0].endswith(".name"))
    return [word for path, value in fields for word in ("--set", setting_text(path.removesuffix(".name"), value))]
