"""What a text asserts: who against whom, in which direction, at which length, by how much."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["better", "worse", "faster", "slower", "equal", "differ", "open", "best", "preferred"]

_WORDS: dict[Kind, str] = {
    "better": r"better|outperform\w*|beats?|superior|wins?(?: against| over)?|higher|larger|ahead of|stronger"
    r"|improves? on",
    "worse": r"worse|inferior|loses? (?:to|against)|lower|smaller|underperform\w*|behind|weaker",
    "faster": r"faster|quicker|sooner|speeds? up|more quickly|converges? (?:earlier|more quickly)|in less time"
    r"|fewer (?:epochs|steps|updates|iterations)",
    "slower": r"slower|more slowly|later than|more (?:epochs|steps|updates|iterations)",
    "equal": r"as good as|equal(?:ly)?(?: good)?|the same|no differences?|equivalent|on par",
    "open": r"no (?:statistically )?significant differences?|(?:not|n't) (?:statistically )?significant"
    r"(?:ly different)?|not differ significantly|cannot (?:be told|tell)|can't tell|no differences? can be told",
    "differ": r"significant(?:ly)? differen\w*|differs? significantly|difference is (?:statistically )?significant",
    "best": r"the best|wins overall|best optimi[sz]er",
    "preferred": r"(?:should|must|is to) be (?:preferred|chosen|used)|preferable|recommend(?:ed)?|should (?:use|prefer)"
    r"|we (?:prefer|suggest|advise|choose)",
}
_ORDER: tuple[Kind, ...] = ("open", "differ", "equal", "best", "preferred", "faster", "slower", "better", "worse")
_SIZES = re.compile(r"higher|larger|lower|smaller", re.I)
_DOWNWARD = re.compile(r"\b(?:loss|losses|errors?|perplexit\w+|mse|mae|rmse)\b", re.I)
_NEGATION = re.compile(r"\b(?:not|cannot|can't|no evidence|neither|nor|never|isn't|doesn't|whether)\b", re.I)
_LENGTH = re.compile(r"(\d[\d,]*)\s*(epochs?|steps?|updates?|iterations?|seconds?)", re.I)
_RANGE_AFTER = re.compile(r"^\s*(?:or (?:less|fewer|shorter|more|longer)|and (?:below|above|less|more)|at most)", re.I)
_RANGE_BEFORE = re.compile(
    r"(?:up to|at most|at least|less than|fewer than|more than|below|above|under|over|within|beyond|until|any number of"
    r"|shorter than|longer than)\s*$",
    re.I,
)
_EARLY = re.compile(
    r"\b(?:early(?: on)?|at first|in the beginning|initially|at the start|short (?:runs|trainings?))\b", re.I
)
_POINTS = re.compile(r"(\d+(?:\.\d+)?)\s*(points?|percentage points|pp)\b", re.I)
_GENERAL = re.compile(
    r"\b(?:always|in general|generally|on all problems|for (?:all|any|every) (?:problems?|data|networks?))\b", re.I
)
_SIGNIFICANT = re.compile(r"\bsignifican(?:t|tly|ce)\b|\bp\s*[<=]\s*0?\.\d+", re.I)
_VAGUE = re.compile(r"\bperform(?:s|ance|ed|ing)?\b", re.I)
_BEST_OF = re.compile(r"\b(?:best|luckiest) (?:run|seed|trial|of (?:\d+|several|all) (?:runs|seeds|trials))\b", re.I)
_SETTING = re.compile(
    r"\b(?:with|at) (?:a |an |the )?(?:learning rate|lr|step size|default\w*)(?:[^.,;]|\.(?=\d))*|\bout of the box\b"
    r"|\buntuned\b|\bdefault (?:settings|parameters|hyper-?parameters)\b",
    re.I,
)
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s?%(?!\s*(?:confidence|interval|level|validation|to\b))")
_VALIDATION = re.compile(r"\bvalidation\b", re.I)


@dataclass(frozen=True)
class Length:
    """A length that the text speaks of; a range covers others than the one named."""

    number: int
    unit: Literal["epochs", "steps", "seconds"]
    is_range: bool
    quote: str


@dataclass(frozen=True)
class Assertion:
    """One comparison that the text makes.

    Attributes:
        subject, object: Contenders as the text calls them; empty where it does not say.
        start: Place in the text.
    """

    kind: Kind
    subject: str
    object: str
    quote: str
    start: int


@dataclass(frozen=True)
class Reading:
    """Everything that was read from a text.

    Attributes:
        mentions: Contenders by what the text calls them; letters that name nobody stand for themselves.
        best_of: Where it speaks of the best of several runs.
        settings: Where it speaks of one setting of hyper-parameters.
        percents: Contender and value of every percentage said of one. [percent]
        metrics: Metrics it names.
    """

    text: str
    assertions: tuple[Assertion, ...]
    mentions: Mapping[str, str]
    letters: tuple[str, ...]
    lengths: tuple[Length, ...]
    early: tuple[str, ...]
    points: tuple[float, ...]
    general: tuple[str, ...]
    significant: tuple[str, ...]
    vague: tuple[str, ...]
    best_of: tuple[str, ...]
    settings: tuple[str, ...]
    percents: tuple[tuple[str, float], ...]
    validation: bool
    metrics: tuple[str, ...]
    unknown: tuple[str, ...]


def read_claim(
    text: str,
    names: Mapping[str, str],
    metrics: Sequence[str],
    others: Sequence[str] = (),
    *,
    higher_is_better: bool = True,
) -> Reading:
    """Read a text.

    Args:
        text: What somebody wrote. What follows "Not claimed:" is not part of the claim.
        names: What contenders may be called, lower case, to their names.
        metrics: Words for metrics.
        others: Names of optimizers that took no part.
        higher_is_better: What "higher" means where the text names no metric beside it.
    """
    said = re.sub(r"Not claimed:.*?(?:\.(?=\s|$)|$)", " ", text, flags=re.S)
    said = _without_spaces_of_contenders(said)
    mentions = list(_mentions(said, names))
    letters = []
    if not mentions or len({name for _, name, _ in mentions}) < 2:
        letters = [(m.start(), m[0], m[0]) for m in re.finditer(r"\b[A-D]\b", said) if not _article(said, m)]
    places = sorted([*mentions, *letters])
    return Reading(
        text=text,
        assertions=tuple(_assertions(said, places, higher_is_better)),
        mentions={called: name for _, name, called in mentions},
        letters=tuple(sorted({name for _, name, _ in letters})),
        lengths=tuple(_lengths(said)),
        early=tuple(m[0] for m in _EARLY.finditer(said)),
        points=tuple(float(m[1]) for m in _POINTS.finditer(said)),
        general=tuple(m[0] for m in _GENERAL.finditer(said)),
        significant=tuple(m[0] for m in _SIGNIFICANT.finditer(said)),
        vague=tuple(dict.fromkeys(m[0] for m in _VAGUE.finditer(said))),
        best_of=tuple(m[0] for m in _BEST_OF.finditer(said)),
        settings=tuple(m[0].strip() for m in _SETTING.finditer(said)),
        percents=tuple(_percents(text, names)),
        validation=bool(_VALIDATION.search(said)),
        metrics=tuple(m for m in metrics if re.search(rf"\b{re.escape(m)}\b", said, re.I)),
        unknown=tuple(o for o in others if re.search(rf"(?<![\w-]){re.escape(o)}(?![\w-])", said, re.I)),
    )


def _without_spaces_of_contenders(text: str) -> str:
    """Drop parentheses and what says how contenders were tuned: numbers there are no claims."""
    for _ in range(3):
        text = re.sub(r"\([^()]*\)", " ", text)
    return re.sub(r"This compares .*?(?:\.(?=\s|$)|$)", " ", text, flags=re.S)


def _article(text: str, match: re.Match[str]) -> bool:
    """Whether an A at the start of a sentence is an article: "A run ..."."""
    if match[0] != "A":
        return False
    after = text[match.end() : match.end() + 20]
    return bool(re.match(r"\s+(?:run|training|single|network|model|schedule|small|large|difference|good)\b", after))


def _mentions(text: str, names: Mapping[str, str]) -> Iterator[tuple[int, str, str]]:
    """(place, contender, what the text calls it), the longest name first where one holds another."""
    taken: list[tuple[int, int]] = []
    for called in sorted(names, key=len, reverse=True):
        for m in re.finditer(rf"(?<![\w-]){re.escape(called)}(?![\w-])", text, re.I):
            if not any(a < m.end() and m.start() < b for a, b in taken):
                taken.append(m.span())
                yield m.start(), names[called], m[0]


def _percents(text: str, names: Mapping[str, str]) -> Iterator[tuple[str, float]]:
    """Percentages right behind a contender's name, in its own part of the sentence."""
    mentions = sorted(_mentions(text, names))
    for m in _PERCENT.finditer(text):
        before = [mention for mention in mentions if mention[0] < m.start()]
        if before and not re.search(r"[;:]|\.\s|interval|reach", text[before[-1][0] : m.start()]):
            yield before[-1][1], float(m[1])


def _assertions(text: str, places: Sequence[tuple[int, str, str]], higher_is_better: bool) -> Iterator[Assertion]:
    found: list[tuple[int, int, Kind]] = []
    for kind in _ORDER:
        for m in re.finditer(rf"\b(?:{_WORDS[kind]})\b", text, re.I):
            if not any(a < m.end() and m.start() < b for a, b, _ in found):
                found.append((*m.span(), kind))
    told: dict[int, list[str]] = {}  # subjects of the assertion that a mention is the object of, by its place
    for start, end, kind in sorted(found):
        sentence = _bounds(text, start, r"[.;:](?=\s|$)")
        clause = _bounds(text, start, r"[.;:,](?=\s|$)|\b(?:although|though|but|while|whereas)\b")
        if kind != "open" and _NEGATION.search(text[clause[0] : start]):
            continue
        if _SIZES.fullmatch(text[start:end]):
            downward = _DOWNWARD.search(text[clause[0] : clause[1]])
            kind = _flipped(kind) if downward or (not higher_is_better and not downward) else kind
        before = [p for p in places if sentence[0] <= p[0] < start]
        after = [p for p in places if end <= p[0] < sentence[1]]
        than = re.match(r"\s*(?:significantly |clearly |slightly )?(?:than|to|over|against|as|on|by)?\s*", text[end:])
        directly = [p for p in after if than and p[0] <= end + than.end() + 2]
        subjects = _joined(text, before) or ([] if directly else [after[0][1]] if after else [])
        objects = [name for _, name, _ in directly] or [""]
        if kind in ("equal", "differ") and len({p[1] for p in before}) > 1 and not directly:
            subjects, objects = [before[-2][1]], [before[-1][1]]
        if kind == "preferred" and directly:
            subjects, objects = [directly[0][1]], [""]
        if kind == "open":
            around = list(dict.fromkeys(p[1] for p in [*before, *after]))
            subjects, objects = around[:1], around[1:2] or [""]
        if before and not directly and kind != "open" and before[-1][0] in told:
            last = before[-1]
            if not re.search(r"\b(?:which|that|who|it)\b", text[last[0] + len(last[2]) : start], re.I):
                subjects = told[last[0]]  # "A is faster than B and should be preferred" speaks of A twice
        told.update({place: subjects for place, _, _ in directly})
        for subject in subjects or [""]:
            for other in objects:
                yield Assertion(kind, subject, other, text[clause[0] : clause[1]].strip(" ,.;"), start)


def _flipped(kind: Kind) -> Kind:
    return "worse" if kind == "better" else "better"


def _joined(text: str, before: Sequence[tuple[int, str, str]]) -> list[str]:
    """The last contender before a verb, with those joined to it by "and" or commas."""
    if not before:
        return []
    last = before[-1]
    found = [last[1]]
    for previous in reversed(before[:-1]):
        between = text[previous[0] + len(previous[2]) : last[0]]
        if not re.fullmatch(r"\s*(?:,|and|, and|or|,\s*and)\s*", between):
            break
        found.append(previous[1])
        last = previous
    return list(dict.fromkeys(reversed(found)))


def _bounds(text: str, at: int, breaks: str) -> tuple[int, int]:
    """The part around a place, between two breaks."""
    cuts = [m.span() for m in re.finditer(breaks, text, re.I)]
    first = max((end for start, end in cuts if end <= at), default=0)
    last = min((start for start, _ in cuts if start >= at), default=len(text))
    return first, last


def _lengths(text: str) -> Iterator[Length]:
    for m in _LENGTH.finditer(text):
        word = m[2].lower()
        unit: Literal["epochs", "steps", "seconds"] = (
            "epochs" if word.startswith("epoch") else "seconds" if word.startswith("second") else "steps"
        )
        after, before = text[m.end() : m.end() + 25], text[max(0, m.start() - 25) : m.start()]
        is_range = bool(_RANGE_AFTER.match(after) or _RANGE_BEFORE.search(before))
        quote = text[max(0, m.start() - 12) : m.end() + (12 if _RANGE_AFTER.match(after) else 0)].strip(" ,.")
        yield Length(int(m[1].replace(",", "")), unit, is_range, quote)
