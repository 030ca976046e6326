"""`trainwell lr` with its page."""

from __future__ import annotations

import json

import pytest

from trainwell.cli import _run as run_command


@pytest.mark.parametrize(("flags", "method"), [([], "rates"), (["--ramp"], "ramp")])
def test_the_range_test_writes_its_curve_and_page(flags, method, tmp_path, capsys):
    arguments = ["lr", "digits", *flags, "--steps", "40", "--seeds", "1", "--out", str(tmp_path)]
    assert run_command(arguments) == 0
    test = json.loads((tmp_path / "lr.json").read_text())
    assert test["method"] == method
    assert 1e-4 < test["suggestion"] < 1
    assert f"{test['suggestion']:.3g}" in capsys.readouterr().out
    assert f"--set optimizer.lr={test['suggestion']:.3g}" in (tmp_path / "report.html").read_text()
