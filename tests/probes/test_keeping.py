"""Where a program stores a loss with its graph."""

import pytest

from trainwell.probes.keeping import kept_at

BEFORE = """def train(model, data, total, losses, self):
    for x in data:
        loss = model(x)
        loss.backward()
"""


@pytest.mark.parametrize(
    "line",
    ["total += loss", "losses.append(loss)", "self.last = loss", "total = total + loss", "meter.update(loss, len(x))"],
)
def test_a_stored_loss_is_found(tmp_path, line):
    file = tmp_path / "program.py"
    file.write_text(BEFORE + f"        {line}\n")
    assert kept_at((str(file), 4)) == (str(file), 5)


@pytest.mark.parametrize(
    "line",
    [
        "total += loss.item()",
        "losses.append(float(loss))",
        "print(loss)",
        "losses.append(loss.detach())",
        "total += x.sum()",
    ],
)
def test_a_number_that_was_read_from_it_is_none(tmp_path, line):
    file = tmp_path / "program.py"
    file.write_text(BEFORE + f"        {line}\n")
    assert kept_at((str(file), 4)) is None
