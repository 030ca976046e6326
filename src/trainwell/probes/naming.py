"""What the user's names say of data: held out, or for training."""

from __future__ import annotations

import re

HELD_OUT = {"val", "valid", "validation", "test", "testing", "te", "holdout", "heldout", "held", "dev", "vld", "tst"}
TRAIN = {"train", "training", "tr", "trn"}


def tokens(names: tuple[str, ...] | list[str]) -> set[str]:
    """The words in names."""
    found: set[str] = set()
    for name in names:
        spaced = re.sub(r"([a-z])([A-Z])", r"\1_\2", name.removeprefix("def "))
        found.update(part for part in re.split(r"[^a-z]+", spaced.lower()) if part)
        lowered = name.lower()
        for stem in ("valid", "test", "train", "heldout"):
            if lowered.removeprefix("x").startswith(stem) or lowered.endswith(stem):
                found.add(stem)
        short = lowered.rstrip("0123456789")
        if short in ("xte", "xv", "xval", "yte"):
            found.add("te")
        if short in ("xtr", "ytr"):
            found.add("tr")
    return found


def claim(bound: tuple[str, ...], around: tuple[str, ...]) -> tuple[str, bool]:
    """By which word the user calls a source held-out data, and whether by name it is training data."""
    own = tokens(bound)
    held, train = own & HELD_OUT, own & TRAIN
    if held:
        return sorted(held)[0], bool(train)
    if train:
        return "", True
    wide = tokens(around)
    held, train = wide & HELD_OUT, wide & TRAIN
    if held and not train:
        return sorted(held)[0], False
    return "", bool(train)


def telling(names: tuple[str, ...]) -> str:
    """The most telling of a source's names."""
    held = [name for name in names if tokens((name,)) & HELD_OUT]
    return (held or list(names) or ["evaluation"])[0]
