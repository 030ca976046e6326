"""Live progress of the checklist on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from trainwell.cli.interrupts import raise_if_lost

if TYPE_CHECKING:
    from trainwell.improve import Progress

_TITLES = {
    "audit": "audit the data",
    "sanity": "sanity checks",
    "baseline": "baseline",
    "remedies": "remedies",
    "learning-rate": "learning rate",
    "search": "search",
    "techniques": "techniques",
    "proof": "proof",
}


@contextmanager
def shown_progress(*, quiet_output: bool) -> Iterator[Callable[[Progress], None]]:
    """Show progress: on standard error where standard output is kept for JSON.

    Args:
        quiet_output: Whether standard output must stay clean.
    """
    stream = sys.stderr if quiet_output else sys.stdout
    if not stream.isatty():
        yield _plain(stream)
        return
    from rich import progress as bars
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream)
    columns = [
        bars.TextColumn("[bold]{task.fields[number]}/{task.fields[of]}[/] {task.fields[title]:<14}"),
        bars.BarColumn(bar_width=28),
        bars.TextColumn("{task.description}"),
        bars.TextColumn("[green]{task.fields[best]}[/]"),
        bars.TextColumn("[dim]{task.fields[left]}[/]"),
    ]
    with bars.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=1.0, number=1, of=1, title="", best="", left="")

        def listen(event: Progress) -> None:
            raise_if_lost()
            title = _TITLES.get(event.step, event.step)
            bar.update(
                task,
                completed=event.fraction,
                description="" if event.finished else event.text,
                number=event.number,
                of=event.of,
                title=title,
                best=f"best {event.best}" if event.best else "",
                left=_clock(event.seconds_left),
            )
            if event.finished:
                place = (f"{event.number}/{event.of} ", "bold"), (f"{title:<14} ", "cyan")
                console.print(Text.assemble(*place, _outcome(event)))

        yield listen


def _plain(stream: object) -> Callable[[Progress], None]:
    def listen(event: Progress) -> None:
        raise_if_lost()
        if event.finished:
            title = _TITLES.get(event.step, event.step)
            best = f" [best {event.best}]" if event.best else ""
            print(
                f"{event.number}/{event.of} {title}: {_outcome(event)}{best} ({_clock(event.seconds_left)})",
                file=stream,  # type: ignore[call-overload]
                flush=True,
            )

    return listen


def _outcome(event: Progress) -> str:
    """What came of a step; of the proof only the verdict, since its sentence follows in full."""
    return event.text.partition(". ")[0] if event.step == "proof" else event.text


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} left"
