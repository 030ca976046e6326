"""`trainwell compare`: who is better, by how much, how sure, under which tuning."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainwell.cli.options import output_folder, remove_if_empty
from trainwell.errors import UsageError

if TYPE_CHECKING:
    from trainwell.compare import Comparison, Plan
    from trainwell.recipe import Recipe

_PLAN_OPTIONS = (
    "trials",
    "studies",
    "seeds",
    "claim",
    "seed",
    "level",
    "family",
    "margin",
    "target",
    "seconds",
    "method",
)


@click.command()
@click.argument("what", nargs=-1, required=False, metavar="PROBLEM... NAME=SPEC...")
@click.option("--trials", type=int, help="Trials of a study. [20]")
@click.option("--studies", type=int, help="Independent studies of each contender: the units of the claim. [10]")
@click.option("--seeds", type=int, help="Fresh seeds on which the winner of a study is trained again. [3]")
@click.option("--epochs", type=int, help="Length of every run. [30]")
@click.option("--horizons", metavar="N,N,...", help="Tune and judge at several lengths, in epochs.")
@click.option("--claim", type=click.Choice(["C1", "C2"]), help="C2: procedures. C1: one tuned configuration each. [C2]")
@click.option("--target", type=float, help="Validation metric of the time to target, declared beforehand.")
@click.option("--margin", type=float, help="Difference that counts as none, in the unit of the metric.")
@click.option("--seconds", type=int, help="Equal wall time of training for every run in place of equal steps.")
@click.option("--family", type=click.Choice(["all", "first"]), help="Pairs: all, or each against the first. [all]")
@click.option("--level", type=float, help="Of the intervals. [0.95]")
@click.option("--method", help="How points are drawn: sobol, halton, random. [sobol]")
@click.option("--repeats", type=int, help="Compare fixed recipes over so many random splits of all the data.")
@click.option("--split", metavar="TRAIN/TEST", help="Of --repeats. [80/20]")
@click.option("--set", "settings", multiple=True, metavar="PATH=VALUE", help="Fix a field for all contenders.")
@click.option("--seed", type=click.IntRange(min=0), help="Master seed. [0]")
@click.option("--data", type=click.Path(path_type=Path), help="Folder with the data of a built-in problem.")
@click.option("--out", type=click.Path(path_type=Path), help="Output folder; the same command goes on in it.")
@click.option("--resume", type=click.Path(path_type=Path), help="Continue the comparison in this folder.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes to spread runs over.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end, and nothing else.")
def compare(what: tuple[str, ...], as_json: bool, **options: Any) -> int:
    """Compare optimizers: tuned alike in independent studies, judged on fresh seeds and test data.

    PROBLEM is a built-in name or your file. SPEC is an optimizer, a named default (sgd-momentum, nesterov; plain,
    dropout, batchnorm, both), or a recipe file in TOML with a [space]. A protocol file (TOML) stands for all of it.

    \b
    trainwell compare digits sgd=sgd-momentum adamw muon --trials 20 --studies 10 --epochs 30
    trainwell compare spambase plain dropout batchnorm both --repeats 10 --split 80/20
    """
    result = _resumed(options, as_json) if options["resume"] else _begun(what, options, as_json)
    from trainwell.compare.repeating import repeat_command
    from trainwell.report import write_race_report

    if result.folder is not None:
        write_race_report(result.folder, command=repeat_command(result.record.protocol))
    if as_json:
        click.echo(json.dumps(result.to_dict(), allow_nan=False))
    else:
        _show(result)
    return 0


def _begun(what: tuple[str, ...], options: Mapping[str, Any], as_json: bool) -> Comparison:
    from trainwell.compare.comparison import contenders_of, run_protocol
    from trainwell.compare.contender import BASE, SPLIT_BASE
    from trainwell.compare.protocol import protocol_of
    from trainwell.compare.resampled import compare_splits
    from trainwell.problem import load_problem
    from trainwell.recipe import parse_settings

    table = _protocol_file(what)
    problems, specs = _parted(what) if table is None else (_names(table), _table(table, "contenders"))
    resampled = options["repeats"] is not None
    if resampled and table is not None:
        raise UsageError(
            "`--repeats` must go with contenders on the command line, got a protocol file. Name them there"
        )
    if options["split"] is not None and not resampled:
        raise UsageError("`--split` must go with --repeats, got it alone. Say --repeats 10")
    settings = parse_settings(options["settings"])
    if table is not None:
        settings = {**_table(table, "fixed"), **settings}
    lengths = [path for path in ("epochs", "steps") if path in settings]
    if lengths:
        raise UsageError(
            f"`--set` must leave {lengths[0]} to the protocol, got {lengths[0]}. Say --epochs or --horizons"
        )
    base: Recipe = (SPLIT_BASE if resampled else BASE).with_(settings)
    contenders = contenders_of(specs, base)
    listener = _listener(as_json)
    if not problems:
        raise UsageError("`problems` must name at least one problem, got none. Say for example digits")
    loaded = [load_problem(name, options["data"]) for name in problems]
    if resampled:
        if len(loaded) > 1:
            raise UsageError(f"`--repeats` must go with one problem, got {len(loaded)}. Compare them one by one")
        _refuse_with_repeats(options)
        folder = output_folder(options["out"], "compare", problems[0])
        given = {k: options[k] for k in ("epochs", "seed", "margin", "family", "level") if options[k] is not None}
        try:
            return compare_splits(
                loaded[0], contenders, repeats=options["repeats"], test_share=_share(options["split"]), base=base,
                folder=folder, listener=listener, **given,
            )  # fmt: skip
        finally:
            remove_if_empty(folder)
    protocol = protocol_of(loaded, contenders, _plan(table or {}, options))
    folder = output_folder(options["out"], "compare", problems[0])
    try:
        return run_protocol(protocol, loaded, folder=folder, workers=options["workers"], listener=listener)
    finally:
        remove_if_empty(folder)


def _resumed(options: Mapping[str, Any], as_json: bool) -> Comparison:
    """Continue by the stored protocol alone."""
    from trainwell.compare.comparison import refuse_horizon, run_protocol
    from trainwell.problem import load_problem
    from trainwell.records.comparison import ComparisonFolder

    here = ComparisonFolder(Path(options["resume"]))
    if not here.exists:
        raise UsageError(
            f"`--resume` must be a folder with a protocol.json, got {here.folder}. Name a comparison's folder"
        )
    protocol = here.protocol()
    for length in _lengths(options):
        if length not in protocol.horizons:
            raise UsageError(refuse_horizon(protocol, length))
    given = [f"--{name}" for name in (*_PLAN_OPTIONS, "epochs", "horizons") if options[name] is not None]
    if given:
        raise UsageError(f"`--resume` goes by the stored protocol, got {', '.join(given)} too. Leave them out")
    if protocol.repeats:
        raise UsageError(
            "`--resume` must be a comparison of studies, got one over splits. Give its own command with --out "
            f"{here.folder}: it goes on there"
        )
    unnamed = [p.facts.name for p in protocol.problems if not p.spec]
    if unnamed:
        raise UsageError(
            f"`--resume` must know where problems come from, {unnamed[0]} was made in memory. Use the library"
        )
    problems = [load_problem(p.spec, options["data"]) for p in protocol.problems]
    for stored, problem in zip(protocol.problems, problems, strict=True):
        if stored.facts.fingerprint != problem.fingerprint:
            raise UsageError(f"the data of {stored.facts.name} differ from those the comparison began with. Begin anew")
    return run_protocol(protocol, problems, folder=here.folder, workers=options["workers"], listener=_listener(as_json))


def _protocol_file(what: tuple[str, ...]) -> dict[str, Any] | None:
    """The table of a protocol file, where that is the only argument."""
    if len(what) != 1 or not what[0].endswith(".toml"):
        return None
    path = Path(what[0])
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the protocol {path} must be a readable file, got: {error}. Check the path") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the protocol {path} must be TOML, got: {error}") from None


def _parted(what: tuple[str, ...]) -> tuple[list[str], dict[str, str]]:
    """Problems and contenders: what is named or is an optimizer is a contender, a .py file or built-in a problem."""
    from trainwell.compare.contender import REGULARISATIONS
    from trainwell.problem import BUILT_INS
    from trainwell.recipe import Recipe

    known = {*Recipe.families["optimizer"], *REGULARISATIONS}
    problems: list[str] = []
    specs: dict[str, str] = {}
    for text in what:
        name, equals, spec = text.partition("=")
        if not equals and (text in BUILT_INS or ":" in text or text.endswith(".py")):
            problems.append(text)
            continue
        if not equals:
            name, spec = (Path(text).stem, text) if text.endswith(".toml") else (text, text)
        if not problems and not equals and text not in known and not text.endswith(".toml"):
            problems.append(text)  # a misspelt problem: its error names the known ones
            continue
        if name in specs:
            raise UsageError(f"`contenders` must have different names, got {name} twice. Say other={spec}")
        specs[name] = spec
    return problems, specs


def _names(table: Mapping[str, Any]) -> list[str]:
    """The problems of a protocol file."""
    value = table.get("problems", [])
    several = [value] if isinstance(value, str) else value
    if not isinstance(several, list) or not all(isinstance(name, str) for name in several):
        raise UsageError(f'`problems` must be names, got {value!r}. Say problems = ["digits"]')
    return several


def _table(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A table of a protocol file."""
    value = table.get(name, {})
    if not isinstance(value, dict):
        raise UsageError(f"`{name}` must be a table, got {value!r}. Say [{name}]")
    return value


def _plan(table: Mapping[str, Any], options: Mapping[str, Any]) -> Plan:
    from trainwell.compare.protocol import Plan

    given: dict[str, Any] = {k: v for k, v in table.items() if k not in ("problems", "contenders", "fixed")}
    given.update({name: options[name] for name in _PLAN_OPTIONS if options[name] is not None})
    lengths = [f"--{name}" for name in ("epochs", "horizons", "seconds") if options[name] is not None]
    if len(lengths) > 1:
        raise UsageError(f"`{lengths[0]}` must be left out with {lengths[1]}, got both. Keep one of them")
    if lengths:
        given.pop("epochs", None)
        given["horizons"] = _lengths(options) or [1]
        given["seconds"] = options["seconds"]
    if given.get("claim") == "C1":
        given.setdefault("studies", 1)
        given.setdefault("seeds", 10)
    return Plan.of(given)


def _lengths(options: Mapping[str, Any]) -> list[int]:
    """Epochs that the options name."""
    if options["horizons"] is None:
        return [] if options["epochs"] is None else [options["epochs"]]
    parts = [part.strip() for part in options["horizons"].split(",") if part]
    if not parts or not all(part.isdigit() for part in parts):
        raise UsageError(f"`--horizons` must be whole numbers of epochs, got '{options['horizons']}'. Say 20,40,80")
    return [int(part) for part in parts]


def _refuse_with_repeats(options: Mapping[str, Any]) -> None:
    without = ("trials", "studies", "seeds", "horizons", "target", "seconds", "method", "claim", "workers")
    given = [name for name in without if options[name] is not None]
    if given:
        raise UsageError(
            f"`--repeats` compares fixed recipes over splits, got --{given[0]} too. Leave it out: nothing is tuned"
        )


def _share(text: str | None) -> float:
    """The held-out share of `80/20`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)", text or "80/20")
    if not match or min(float(match[1]), float(match[2])) <= 0 or float(match[1]) + float(match[2]) not in (1, 100):
        raise UsageError(f"`--split` must be TRAIN/TEST in percent such as 80/20, got '{text}'. Say 80/20")
    return float(match[2]) / (float(match[1]) + float(match[2]))


def _listener(as_json: bool) -> Any:
    return lambda message: click.echo(message, err=as_json)


_WIDTH = 110  # columns: a table of contenders needs them, and where output is piped nobody says how many there are
_COLOURS = {"better": "green", "as good as": "blue", "cannot tell": "yellow", "worse": "red"}


def _show(result: Comparison) -> None:
    """The short sentence, a table of contenders, every pair in full, and where everything lies."""
    from rich.console import Console
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    from trainwell.report.wording import difference_text, half_width, interval_text, metric_text, p_text, seconds_text

    console, record = Console(soft_wrap=False, width=max(_WIDTH, Console().width)), result.record
    colour = "red" if not record.fair else "green" if any(p.verdict == "better" for p in record.pairs) else "yellow"
    title = "" if record.fair else "not a fair race"
    console.print()
    console.print(Panel(Text(record.sentence), title=title, border_style=colour))
    for problem in record.protocol.problems:
        metric = problem.facts.metric
        for horizon in record.protocol.horizons:
            title = f"{problem.facts.name}, {record.protocol.length(horizon)}"
            table = Table(title=title, title_justify="left", box=None)
            level = f"{100 * record.protocol.level:g} % interval"
            for head in ("contender", f"test {metric}", level, "n", "diverged", "good trials", "time"):
                table.add_column(head, justify="left" if head == "contender" else "right")
            for r in record.contenders:
                if (r.problem, r.horizon) == (problem.facts.name, horizon):
                    good = f"{100 * r.good_share:.0f} %" if r.trials else "-"
                    table.add_row(
                        r.name, metric_text(metric, r.mean, half_width(r.interval)), interval_text(metric, r.interval),
                        str(r.n), f"{100 * r.diverged_share:.0f} %", good, seconds_text(r.seconds),
                    )  # fmt: skip
            console.print(table)
    pairs = Table(title="pairs", title_justify="left", box=None)
    unit = "epochs" if record.protocol.equal == "steps" else "seconds"
    level = f"{100 * record.protocol.level:g} % interval"
    for head in ("a", "is", "b", "problem", unit, "a - b", level, "p corrected"):
        pairs.add_column(head)
    for p in record.pairs:
        d = p.difference
        pairs.add_row(
            p.a, Text(p.verdict, style=_COLOURS[p.verdict]), p.b, p.problem, str(p.horizon),
            difference_text(p.metric, d.mean, half_width(d.interval)),
            interval_text(p.metric, d.interval, sign=True).replace(" %", ""),
            p_text(d.p_corrected) or d.refusal,
        )  # fmt: skip
    console.print(pairs)
    if record.pairs:
        console.print("[bold]In full[/], one pair; all of them are in the report:")
        console.print(Text(record.told_first[0].sentence))
    for refusal in record.refusals:
        console.print(Text(f"unfair: {refusal.reason}. {refusal.remedy}", style="red"))
    for note in record.notes:
        console.print(Text(f"note: {note}"))
    if result.folder is not None:
        console.print("[bold]Everything is in[/]", str(result.folder), highlight=False)
        console.print("[bold]Report[/]", str(result.folder / "report.html"), highlight=False)
