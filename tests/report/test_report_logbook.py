from __future__ import annotations

import re
from pathlib import Path

import fabricate

from trainwell.records import load_improvement
from trainwell.report import logbook_markdown


def test_logbook_tells_the_steps_in_order(improvement: Path) -> None:
    text = logbook_markdown(load_improvement(improvement))
    places = [text.index(entry.title) for entry in fabricate.ENTRIES]
    assert places == sorted(places)
    assert "- Skipped: the model factory offers no argument" in text
    assert "| `optimizer.name` | sgd | adamw |" in text
    assert "  - **underfitting** [warning]" in text
    assert text.endswith("|\n")


def test_logbook_of_an_interrupted_improvement_says_where_it_ends(tmp_path: Path) -> None:
    text = logbook_markdown(fabricate.make_improvement(tmp_path, reached="sanity"))
    assert "*Interrupted here: the steps after this were not reached.*" in text
    assert "nothing is claimed yet" in text


def test_hostile_texts_are_no_markup_in_the_logbook(hostile: Path) -> None:
    text = logbook_markdown(load_improvement(hostile))
    outside_code = re.sub(r"`[^`\n]*`", "", text.replace("\\`", ""))
    assert "<" not in outside_code
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 4 for row in text.splitlines() if row.startswith("| `"))
