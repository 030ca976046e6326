"""Whether an augmentation takes examples of one class to where another class lies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

MOST_CLEAN, MOST_DRAWN, WIDEST = 1500, 300, 1024
_VOTERS = 5  # nearest stored images
_MOST_STRAYED = 0.6  # of all drawn inputs
_TURNS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "quarter turn": lambda x: torch.rot90(x, 1, (-2, -1)),
    "half turn": lambda x: torch.rot90(x, 2, (-2, -1)),
    "three-quarter turn": lambda x: torch.rot90(x, 3, (-2, -1)),
    "horizontal flip": lambda x: x.flip(-1),
    "vertical flip": lambda x: x.flip(-2),
}


def confusions(drawn: torch.Tensor, clean: torch.Tensor, labels: torch.Tensor) -> dict[str, Any] | None:
    """The pair of classes that an augmentation confuses most, None where it is none of those known here.

    Args:
        drawn: Augmented inputs, one row each. Shape (m, features).
        clean: The stored images. Shape (n, ..., height, width), with as many features each.
        labels: Their classes. Shape (n,).

    Returns:
        `turn`, the share of drawn inputs it explains, `from` and `to`, the share of the first class that it takes
        closer to the second than to its own, no farther than the neighbours of clean images are, and that `share` for
        clean images.
    """
    drawn, clean, labels = drawn[:MOST_DRAWN], clean[:MOST_CLEAN], labels[:MOST_CLEAN]
    features = clean[0].numel()
    if clean.ndim < 3 or features > WIDEST or drawn.shape[1] != features or len(clean) < 200 or len(drawn) < 50:
        return None
    rows, seen = _standard(clean), _standard(drawn)
    worst: dict[str, Any] | None = None
    near = torch.cdist(rows, rows).fill_diagonal_(float("inf"))
    limit = float(near.amin(1).quantile(0.98))
    before, _ = _moved(near, labels, limit)
    for name, turn in _TURNS.items():
        if "turn" in name and "half" not in name and clean.shape[-1] != clean.shape[-2]:
            continue
        turned = _standard(turn(clean))
        used = float((torch.cdist(seen, turned).amin(1) < 1e-3).float().mean())
        plain = float((torch.cdist(seen, rows).amin(1) < 1e-3).float().mean())
        if used < 0.1 or plain > 0.95:
            continue
        moved, to = _moved(torch.cdist(turned, rows).fill_diagonal_(float("inf")), labels, limit)
        classes = torch.unique(labels).tolist()
        for a in classes:
            mine = labels == a
            for b in classes if int(mine.sum()) >= 30 else ():
                share = float((moved & (to == b))[mine].float().mean())
                if b != a and (worst is None or share > worst["share"]):
                    clean_share = float(before[mine].float().mean())
                    worst = {"turn": name, "used": used, "from": a, "to": b, "share": share, "clean_share": clean_share}
                    worst["examples"] = int(mine.sum())
    return worst


def strayed(
    drawn: torch.Tensor, given: torch.Tensor, clean: torch.Tensor, labels: torch.Tensor
) -> dict[str, Any] | None:
    """The pair of classes that any augmentation confuses most, by the labels that the drawn inputs came with.

    Args:
        drawn, given: Augmented inputs and their labels. Shapes (m, features), (m,).
        clean, labels: The stored images and theirs.

    Returns:
        As `confusions`, without a name of the turn; None where the labels are not those of the stored images.
    """
    clean, labels = clean[:MOST_CLEAN], labels[:MOST_CLEAN]
    features = clean[0].numel()
    if clean.ndim < 3 or features > WIDEST or drawn.shape[1] != features or len(clean) < 200 or len(drawn) < 50:
        return None
    classes = torch.unique(labels).tolist()
    if not set(torch.unique(given).tolist()) <= set(classes):
        return None
    rows, seen = _standard(clean), _standard(drawn)
    near = torch.cdist(rows, rows).fill_diagonal_(float("inf"))
    limit = float(near.amin(1).quantile(0.98))
    before, _ = _outvoted(near, labels, labels, limit)
    moved, to = _outvoted(torch.cdist(seen, rows), given, labels, limit)
    if float(moved.float().mean()) > _MOST_STRAYED:
        return None  # labels of another kind than the stored ones
    worst: dict[str, Any] | None = None
    for a in classes:
        mine = given == a
        for b in classes if int(mine.sum()) >= 30 else ():
            share = float((moved & (to == b))[mine].float().mean())
            if b != a and (worst is None or share > worst["share"]):
                worst = {"turn": "", "used": 1.0, "from": a, "to": b, "share": share}
                worst["clean_share"] = float(before[labels == a].float().mean())
                worst["examples"] = int(mine.sum())
    return worst


def _moved(distance: torch.Tensor, labels: torch.Tensor, limit: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows that lie close to another class and clearly closer than to their own, and that class."""
    equal = labels[:, None] == labels[None]
    own = distance.masked_fill(~equal, float("inf")).amin(1)
    other, index = distance.masked_fill(equal, float("inf")).min(1)
    return (other <= limit) & (other < 0.8 * own), labels[index]


def _outvoted(
    distance: torch.Tensor, own: torch.Tensor, labels: torch.Tensor, limit: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows that lie close to stored images, nearly all of the nearest of which are of one other class; and that."""
    values, nearest = distance.topk(_VOTERS, 1, largest=False)
    votes = labels[nearest]
    to = votes.mode(1).values
    agreed = (votes == to[:, None]).sum(1) >= _VOTERS - 1
    return (to != own) & agreed & (values[:, 0] <= limit), to


def _standard(images: torch.Tensor) -> torch.Tensor:
    """Rows of mean 0 and length 1, so that scaling by a later transform makes no difference."""
    rows = images.reshape(len(images), -1).float()
    rows = rows - rows.mean(1, keepdim=True)
    scaled: torch.Tensor = rows / torch.linalg.vector_norm(rows, dim=1, keepdim=True).clamp_min(1e-9)
    return scaled
