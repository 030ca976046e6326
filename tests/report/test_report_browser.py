"""Pages in headless Chromium: drawn without an error or a request, in both colour schemes; screenshots are kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import fabricate
import pytest

from trainwell.report import write_report

pytestmark = [pytest.mark.browser, pytest.mark.skipif(which("chromium") is None, reason="needs chromium")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=which("chromium"), args=["--no-sandbox", "--disable-quic"]
        )
        yield launched
        launched.close()


def visit(browser: Any, path: Path, *, width: int = 1440, scheme: str = "light") -> tuple[Any, list[str]]:
    """Open a page; returns it with everything that went wrong."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else wrong.append(r.url))
    page.goto(path.resolve().as_uri())
    page.wait_for_function(
        "!window.Plotly || [...document.querySelectorAll('.plot')].every(p => p.querySelector('.main-svg'))"
    )
    return page, wrong


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1280, "light"), (1440, "dark"), (700, "light")])
def test_an_improvement_is_drawn(browser: Any, improvement: Path, tmp_path: Path, width: int, scheme: str) -> None:
    page, wrong = visit(browser, write_report(improvement, tmp_path / "page.html"), width=width, scheme=scheme)
    assert page.locator(".plot .main-svg").count() >= 7
    assert wrong == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    picture = page.screenshot(path=tmp_path / f"{scheme}-{width}.png", full_page=True)
    assert len(picture) > 50_000
    page.close()


def test_the_scale_can_be_switched(browser: Any, improvement: Path, tmp_path: Path) -> None:
    page, wrong = visit(browser, write_report(improvement, tmp_path / "page.html"))
    chart = page.locator("#curves .chart").first
    for scale in ("linear", "log", "linear"):
        chart.locator(f"[data-scale={scale}]").click()
        kinds = page.evaluate(
            "['yaxis', 'yaxis2'].map(a => document.querySelector('[data-chart=loss]')._fullLayout[a].type)"
        )
        assert kinds == [scale, scale]
    assert wrong == []
    page.close()


def test_an_attack_does_nothing(browser: Any, hostile: Path, tmp_path: Path) -> None:
    page, wrong = visit(browser, write_report(hostile, tmp_path / "page.html"))
    assert wrong == []
    assert page.locator("main img").count() == 0
    page.close()


def test_the_policy_blocks_what_a_page_should_not_do(browser: Any, improvement: Path, tmp_path: Path) -> None:
    page, wrong = visit(browser, write_report(improvement, tmp_path / "page.html"))
    blocked = page.evaluate("fetch('data:text/plain,x').then(() => false, () => true)")
    assert blocked
    page.evaluate(
        "document.body.appendChild(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))"
    )
    assert page.evaluate("window.ran === undefined")
    assert wrong
    page.close()


def test_a_run_and_an_interrupted_improvement_are_drawn(browser: Any, tmp_path: Path) -> None:
    fabricate.make_run(tmp_path / "run", diverge_at=6, findings=fabricate.FINDINGS)
    fabricate.make_improvement(tmp_path / "partial", reached="learning-rate")
    fabricate.make_improvement(tmp_path / "audit", reached="audit")
    for name, charts in (("run", 6), ("partial", 4), ("audit", 0)):
        page, wrong = visit(browser, write_report(tmp_path / name))
        assert page.locator(".plot").count() == charts
        assert wrong == []
        page.close()
