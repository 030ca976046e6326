"""Views and charts to one HTML file that needs nothing else: no network, no other file, no font to load."""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.util
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from trainwell.errors import RecordError
from trainwell.records import BatchSizes, RateTest
from trainwell.report import charts, wording
from trainwell.report.charts import batch, curves, palette, proof, race, rates, search, series, study
from trainwell.report.views.comparison import ComparisonView
from trainwell.report.views.curves import Line
from trainwell.report.views.improvement import ImprovementView
from trainwell.report.views.race import RaceView
from trainwell.report.views.run import RunView
from trainwell.report.views.study import StudyView

Charts = Mapping[str, charts.Chart]
_TEMPLATES = Path(__file__).parent / "templates"


def improvement_page(view: ImprovementView) -> str:
    """The page of an improvement."""
    drawn = improvement_charts(view)
    return _render("improvement.html", drawn, v=view, record=view.record, proof=view.proof)


def run_page(view: RunView) -> str:
    """The page of one run."""
    return _render("run.html", run_charts(view), v=view, run=view.run, info=view.run.info)


def comparison_page(view: ComparisonView) -> str:
    """The page of several runs."""
    return _render("comparison.html", comparison_charts(view), v=view)


def race_page(view: RaceView) -> str:
    """The page of a comparison of contenders."""
    return _render("race.html", race_charts(view), v=view, record=view.record)


def rate_page(name: str, test: RateTest) -> str:
    """The page of a learning-rate range test."""
    return _render("lr.html", _by_name([rates.range_chart(test, height=480)]), name=name, test=test)


def batch_page(name: str, found: BatchSizes) -> str:
    """The page of a problem's batch sizes."""
    return _render("batch.html", _by_name([batch.batch_chart(found)]), name=name, found=found)


def study_page(view: StudyView) -> str:
    """The page of a study."""
    return _render("study.html", study_charts(view), v=view)


def schedule_page(name: str, line: Line) -> str:
    """The page of a learning-rate schedule."""
    return _render("schedule.html", _by_name([series.one_rate("rate", line)]), name=name)


def improvement_charts(view: ImprovementView) -> Charts:
    """The charts of an improvement, by name; parts that were not reached have none."""
    problem = view.record.problem
    higher, metric = problem.higher_is_better, problem.metric
    band = "Thick: mean over seeds with the 95 % interval of the mean. Thin: every run. Cross: where a run diverged."
    made: list[charts.Chart | None] = []
    if view.proof.reached:
        made.append(proof.proof_chart(view.proof, higher_is_better=higher))
    if view.loss:
        made.append(curves.curves("loss", "Loss", view.loss, note=band))
    if view.metric:
        made.append(curves.curves("metric", _title(metric), view.metric, note=band))
    if view.rate is not None:
        made.append(series.schedules("rate", "Learning rate while training", view.rate, height=360))
    if view.rate_test is not None:
        made.append(rates.range_chart(view.rate_test, height=360))
    if view.search is not None:
        made.append(search.plane(view.search, metric, higher_is_better=higher))
        made.append(search.progress(view.search, metric, higher_is_better=higher))
    return _by_name(made)


def run_charts(view: RunView) -> Charts:
    """The charts of a run, by name; what was not recorded has none."""
    made: list[charts.Chart | None] = []
    if view.loss is not None:
        made.append(curves.curves("loss", "Loss of each evaluation", [view.loss], height=320))
    if view.metric is not None:
        made.append(
            curves.curves("metric", f"{_title(view.metric.quantity)} of each evaluation", [view.metric], height=320)
        )
    if view.step_loss is not None:
        note = "As minimised, with smoothing and penalties. No point is left out."
        made.append(
            series.series(
                "steps", "Training loss of each step", view.step_loss, "loss", key="train", note=note, height=340
            )
        )
    if view.gradient_norm is not None:
        made.append(series.series("gradient", "Gradient norm", view.gradient_norm, "gradient norm", key="3"))
    if view.rate is not None:
        made.append(series.one_rate("rate", view.rate))
    if view.update_ratio is not None:
        note = "Length of an update over the length of the weights."
        made.append(series.series("update", "Update ratio", view.update_ratio, "update / weight", key="4", note=note))
    return _by_name(made)


def study_charts(view: StudyView) -> Charts:
    """The charts of a study, by name; what cannot be told has none."""
    plan, looks = view.record.plan, view.record.looks
    higher = plan.higher_is_better
    made: list[charts.Chart | None] = []
    if view.search is not None:
        made.append(search.plane(view.search, plan.watch, higher_is_better=higher))
        made.append(search.progress(view.search, plan.watch, higher_is_better=higher))
        made.append(study.cost_chart(looks, plan.watch, higher_is_better=higher))
    if view.learned is not None:
        epochs = view.learned.epochs
        made.append(study.importance_chart(view.learned.importance))
        made.append(study.parallel_chart(view.record, view.learned))
        made += [study.slice_chart(k, one, plan.watch, epochs) for k, one in enumerate(view.learned.slices)]
        if view.learned.best_of is not None:
            made.append(study.best_of_chart(view.learned.best_of, plan.watch, epochs))
    return _by_name(made)


def comparison_charts(view: ComparisonView) -> Charts:
    """Curves of several runs, by name."""
    made: list[charts.Chart | None] = []
    if view.loss:
        made.append(curves.curves("loss", "Loss", view.loss, height=380))
    if view.metric_panels:
        made.append(curves.curves("metric", _title(view.metric), view.metric_panels, height=380))
    return _by_name(made)


def race_charts(view: RaceView) -> Charts:
    """The charts of a comparison of contenders, by name; each problem and horizon has its own."""
    protocol = view.record.protocol
    unit = "splits" if protocol.repeats else "studies" if protocol.claim == "C2" else "seeds"
    made: list[charts.Chart | None] = []
    for place in view.places:
        made += [race.points(place, unit=unit, level=view.level), race.differences(place, unit=unit, level=view.level)]
        made += [race.curves(place, level=view.level, clock=protocol.clock), race.tuning(place), race.rates(place)]
        made += [race.times(place, protocol.clock)]
    made += [race.profiles(view.record.overall, horizon, protocol.length(horizon)) for horizon in protocol.horizons]
    return _by_name(made)


def _title(metric: str) -> str:
    return metric.replace("_", " ").capitalize()


def _by_name(made: Sequence[charts.Chart | None]) -> Charts:
    return {chart.name: chart for chart in made if chart is not None}


def _render(template: str, drawn: Charts, **values: Any) -> str:
    library, own = _script(plotly_source()), _script(_read("report.js"))
    figures = {
        name: {"figure": chart.figure, "toggles": chart.toggles, "dtick": chart.log_dtick}
        for name, chart in drawn.items()
    }
    scripts = [library, own] if drawn else [own]
    return (
        _templates()
        .get_template(template)
        .render(
            charts=drawn,
            policy=_policy(scripts),
            style=Markup(_colors() + _read("report.css")),
            plotly=library if drawn else "",
            script=own,
            payload=safe_json({"charts": figures, "dark": palette.swaps()}),
            **values,
        )
    )


@functools.cache
def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "seconds": wording.seconds_text,
        "number": wording.number_text,
        "metric": lambda value, name: wording.metric_text(name, value),
        "value": wording.value_text,
        "plural": wording.plural,
        "prose": prose,
        "words": lambda name: str(name).replace("_", " "),
        "capitalize_first": lambda text: text[:1].upper() + text[1:],
    }
    return made


def prose(text: object) -> Markup:
    """Text with `code` between backticks; everything else in it is escaped."""
    return Markup(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", str(escape(str(text)))))


def safe_json(value: Any) -> Markup:
    """JSON that may stand inside <script>: no character of it can end the element or begin a comment."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


@functools.cache
def plotly_source() -> str:
    """The text of the installed plotly's own plotly.min.js.

    Raises:
        RecordError: If the installed plotly has none.
    """
    found = importlib.util.find_spec("plotly")  # finds without importing
    path = Path(found.origin).parent / "package_data" / "plotly.min.js" if found and found.origin else None
    if path is None or not path.is_file():
        raise RecordError(
            f"a report needs plotly.min.js of the installed plotly, got none at {path}. Install plotly again"
        )
    return path.read_text(encoding="utf-8")


def _script(source: str) -> Markup:
    return Markup(source.replace("</script", "<\\/script").replace("<!--", "<\\!--"))


def _policy(scripts: Sequence[str]) -> str:
    """A content policy under which the page can load nothing and runs exactly these scripts (eval: plotly's WebGL)."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    return (
        f"default-src 'none'; script-src {hashes} 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; "
        "form-action 'none'; base-uri 'none'"
    )


def _colors() -> str:
    """The palette as CSS variables, light and dark."""

    def variables(colors: Mapping[str, str]) -> str:
        return "".join(f"--{name}:{value};" for name, value in colors.items())

    runs = [{f"run-{k}": c for k, c in enumerate(row)} for row in (palette.RUNS_LIGHT, palette.RUNS_DARK)]
    light, dark = variables({**palette.LIGHT, **runs[0]}), variables({**palette.DARK, **runs[1]})
    return f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"


def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")
