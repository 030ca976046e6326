"""Pages: one file that says the verdict, loads nothing, and lets no text become markup."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import fabricate
import pytest

from trainwell.errors import RecordError, UsageError
from trainwell.records import ProblemFacts, load_improvement, load_run, save_improvement
from trainwell.report import report, write_improvement_report, write_report, write_run_report
from trainwell.report.page import plotly_source


class Page(HTMLParser):
    """Elements with their attributes, text outside scripts, and the contents of scripts."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self._in: str | None = None
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._in = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._in:
            self._in = None

    def handle_data(self, data: str) -> None:
        if self._in == "script":
            self.scripts[-1] += data
        elif self._in is None:
            self.text += data


@pytest.fixture(scope="module")
def page(improvement: Path) -> Page:
    return Page(write_improvement_report(improvement))


@pytest.fixture(scope="module")
def attacked(hostile: Path) -> Page:
    return Page(write_improvement_report(hostile))


def test_the_verdict_and_the_whole_sentence_come_first(page: Page, improvement: Path) -> None:
    record = load_improvement(improvement)
    assert record.sentence in page.text
    assert page.text.index(record.sentence) < page.text.index("What changed")
    assert page.text.index("What changed") < page.text.index(fabricate.ENTRIES[0].title)
    assert "The new recipe is better: test accuracy" in page.text
    assert "What is not claimed" in page.text


def test_every_section_is_there(page: Page) -> None:
    sections = [a["id"] for tag, a in page.elements if tag == "section"]
    assert sections == ["verdict", "curves", "rate", "search", "findings", "logbook", "repeat"]
    charts = [a["data-chart"] for tag, a in page.elements if "data-chart" in a]
    assert charts == ["proof", "loss", "metric", "range", "rate", "plane", "progress"]
    for text in ("trainwell explain underfitting", "d32c1209b0d5", "torch 2.13.0", "30 trials", "1000, 1001"):
        assert text in page.text


def test_nothing_is_loaded_from_anywhere(page: Page) -> None:
    for tag, attributes in page.elements:
        assert not {"src", "srcset", "action", "background", "poster"} & set(attributes), tag
        assert (attributes.get("href") or "#").startswith("#")
        assert tag not in ("link", "iframe", "object", "embed", "base")
    styles = re.findall(r"<style>(.*?)</style>", page.source, re.S)
    assert not re.search(r"@import|url\(", "".join(styles))
    assert not re.search(r"https?://", page.source.replace(plotly_source(), ""))
    policy = next(a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")


def test_plotly_is_inlined_once_and_ends_no_script(page: Page) -> None:
    assert page.source.count("plotly.js v") == 1
    assert page.scripts[1] == plotly_source()
    assert len(page.scripts) == 3


def test_hostile_texts_stay_text(attacked: Page) -> None:
    assert len(attacked.scripts) == 3
    assert not any(tag in ("img", "a") and a.get("href", "#")[0] != "#" for tag, a in attacked.elements)
    assert "img" not in {tag for tag, _ in attacked.elements}
    assert not any(name.startswith("on") for _, a in attacked.elements for name in a)
    assert fabricate.HOSTILE.split("`")[0] in attacked.text  # with {{ 7*7 }} as it stands


def test_hostile_names_survive_the_json(attacked: Page) -> None:
    data = json.loads(attacked.scripts[0])
    title = data["charts"]["proof"]["figure"]["layout"]["yaxis"]["title"]["text"]
    assert title.startswith("test &lt;/script&gt;")
    assert not re.search(r"[<>&]", attacked.scripts[0])


def test_backticks_become_code_and_nothing_else_does(page: Page) -> None:
    assert "<code>dropout</code>" in page.source


@pytest.mark.parametrize("reached", ["audit", "sanity", "baseline", "learning-rate", "search"])
def test_an_interrupted_improvement_says_what_was_not_reached(tmp_path: Path, reached: str) -> None:
    fabricate.make_improvement(tmp_path, reached=reached)
    text = Page(write_report(tmp_path)).text
    assert "Interrupted before the proof: nothing is claimed yet." in text
    assert "Not reached" in text
    assert "Interrupted here" in text


def test_an_improvement_stopped_by_its_data_says_so(tmp_path: Path) -> None:
    record = fabricate.make_improvement(tmp_path, reached="audit")
    save_improvement(
        tmp_path, replace(record, status="stopped", sentence="Nothing was trained: the data have an error.")
    )
    text = Page(write_report(tmp_path)).text
    assert "Nothing was trained: the data have an error." in text
    assert "Stopped before any comparison" in text


def test_an_improvement_of_which_everything_diverged_is_a_page(tmp_path: Path) -> None:
    record = fabricate.make_improvement(tmp_path, diverged_seeds=())
    lost = (math.nan,) * 10
    assert record.before is not None
    assert record.after is not None
    assert record.difference is not None
    arms = {k: replace(arm, values=lost, mean=None, interval=None, n=0) for k, arm in
            (("before", record.before), ("after", record.after))}  # fmt: skip
    nothing = replace(record.difference, mean=math.nan, interval=None, p_value=None)
    save_improvement(tmp_path, replace(record, **arms, difference=nothing, verdict="cannot tell"))
    assert "not finite" in Page(write_report(tmp_path)).text


def test_a_regression_shows_its_own_unit(tmp_path: Path) -> None:
    problem = ProblemFacts("diabetes", "regression", None, "rmse", "min", ("rmse",), "mse", {"train": 300, "test": 60},
                           (10,), "table", "ab")  # fmt: skip
    fabricate.make_improvement(tmp_path, problem=problem)
    text = Page(write_report(tmp_path)).text
    assert "lower is better" in text
    assert "points" not in text.split("What changed")[0].replace(load_improvement(tmp_path).sentence, "")


def test_a_run_folder_becomes_a_run_page(tmp_path: Path) -> None:
    fabricate.make_run(tmp_path, diverge_at=5, findings=fabricate.FINDINGS)
    made = Page(write_report(tmp_path))
    assert "Diverged: the training loss became nan at step" in made.text
    assert [a["data-chart"] for _, a in made.elements if "data-chart" in a] == [
        "loss", "metric", "steps", "gradient", "rate", "update",
    ]  # fmt: skip


def test_a_run_that_recorded_nothing_is_a_page(tmp_path: Path) -> None:
    info = fabricate.make_run(tmp_path, status="failed")
    for name in ("steps.jsonl", "evaluations.jsonl", "facts.json", "findings.json"):
        (tmp_path / name).unlink()
    assert info.status == "failed"
    text = Page(write_run_report(tmp_path)).text
    assert text.count("Not reached") == 2


def test_a_folder_of_runs_becomes_a_comparison(tmp_path: Path) -> None:
    for seed in range(2):
        fabricate.make_run(tmp_path / f"sgd-{seed}", seed=seed)
        fabricate.make_run(tmp_path / f"adamw-{seed}", seed=seed, recipe=fabricate.AFTER, speed=0.5)
    made = Page(write_report(tmp_path))
    assert "This is a table, not a test" in made.text
    assert "4 runs" in made.text


def test_report_takes_folders_runs_and_things_with_a_folder(tmp_path: Path) -> None:
    fabricate.make_run(tmp_path / "run")
    run = load_run(tmp_path / "run")
    assert report(tmp_path / "run") == report(str(tmp_path / "run")) == report(run) == tmp_path / "run/report.html"
    assert report(replace(run, folder=None), tmp_path / "new/page.html").is_file()
    with pytest.raises(UsageError, match="`path` must be given"):
        report(replace(run, folder=None))
    with pytest.raises(UsageError, match="got int"):
        report(3)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="must hold a run, several runs or an improvement"):
        write_report(tmp_path)
    with pytest.raises(RecordError, match="must be the folder of an improvement"):
        write_improvement_report(tmp_path)


def test_reports_never_import_torch() -> None:
    code = "import sys, trainwell.report.page, trainwell.report.logbook; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
