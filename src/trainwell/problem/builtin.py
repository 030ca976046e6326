"""The problems that come with trainwell, by name. Listing them reads no data and needs no torch."""

from __future__ import annotations

import gzip
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trainwell.errors import ProblemError, UnknownNameError
from trainwell.records.facts import Task

if TYPE_CHECKING:
    from trainwell.problem.definition import Problem

Array = NDArray[Any]
DATA_VARIABLE = "TRAINWELL_DATA"
_CONTEXT = 64


@dataclass(frozen=True)
class BuiltIn:
    """One problem that can be named on the command line.

    Attributes:
        description: One line.
        size: Number and shape of the examples, in words.
        embedded: Whether its data come with scikit-learn.
        make: Builds it from the folder of data, if one is named.
    """

    name: str
    description: str
    task: Task
    size: str
    embedded: bool
    make: Callable[[Path | None], Problem]


def built_in(name: str, data: Path | None = None) -> Problem:
    """Build a problem by name.

    Args:
        name: One of `BUILT_INS`.
        data: Folder of data files; None reads TRAINWELL_DATA, and else asks OpenML.

    Raises:
        UnknownNameError: If there is none of that name.
        ProblemError: If its data cannot be had.
    """
    if name not in BUILT_INS:
        raise UnknownNameError("problem", name, BUILT_INS)
    return BUILT_INS[name].make(data)


def _digits(_data: Path | None) -> Problem:
    from sklearn.datasets import load_digits

    from trainwell.problem import models
    from trainwell.problem.definition import Problem

    X, y = load_digits(return_X_y=True)
    return Problem(partial(models.mlp, 64, 10), (X / 16, y), name="digits")


def _table(_data: Path | None, *, name: str, outputs: int) -> Problem:
    from sklearn import datasets

    from trainwell.problem import models
    from trainwell.problem.definition import Problem

    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return Problem(partial(models.mlp, X.shape[1], outputs, width=64), (X, y), name=name)


def _spambase(data: Path | None) -> Problem:
    from trainwell.problem import models
    from trainwell.problem.definition import Problem

    folder = _folder(data)
    file = None if folder is None else folder / "spambase.data"
    if file is not None and file.is_file():
        table = _read(file, lambda: np.loadtxt(file, delimiter=",", dtype=np.float64))
        X, y = table[:, :-1], table[:, -1].astype(np.int64)
    else:
        X, y = _openml("spambase", "spambase.data", folder)
    return Problem(partial(models.mlp, X.shape[1], 2, width=64), (X, y), name="spambase")


def _mnist(data: Path | None) -> Problem:
    from trainwell.problem import models
    from trainwell.problem.definition import Problem

    model = partial(models.cnn, 1, 28, 10)
    folder = _folder(data)
    small, full = (None if folder is None else _mnist_part(folder, stem) for stem in ("t10k", "train"))
    if full is not None and small is not None:
        return Problem(model, full, val=0.1, test=small, name="mnist")
    part = full or small
    if part is None:
        X, y = _openml("mnist_784", "mnist-t10k-images-idx3-ubyte.gz", folder)
        part = (X.reshape(-1, 1, 28, 28).astype(np.float32) / 255, y)
    return Problem(model, part, name="mnist")


def _mnist_part(folder: Path, stem: str) -> tuple[Array, Array] | None:
    files = []
    for kind in ("images-idx3", "labels-idx1"):
        names = (f"{prefix}{stem}-{kind}-ubyte{end}" for prefix in ("mnist-", "") for end in (".gz", ""))
        files.append(next((folder / name for name in names if (folder / name).is_file()), None))
    images, labels = files
    if images is None or labels is None:
        return None
    pixels = read_idx(images)
    return pixels[:, None].astype(np.float32) / 255, read_idx(labels).astype(np.int64)


def read_idx(file: Path) -> Array:
    """Read an array in the idx format of MNIST, gzipped or plain.

    Raises:
        ProblemError: If the file is damaged.
    """

    def read() -> Array:
        raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        zero, kind, rank = struct.unpack(">HBB", raw[:4])
        if zero != 0 or kind != 8:
            raise ValueError(f"it starts with {raw[:4].hex()} instead of 000008")
        shape = struct.unpack(f">{rank}I", raw[4 : 4 + 4 * rank])
        return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)

    return _read(file, read)


def _tinyshakespeare(data: Path | None) -> Problem:
    from trainwell.problem import models
    from trainwell.problem.definition import Problem

    folder = _folder(data)
    file = None if folder is None else folder / "tinyshakespeare.txt"
    if file is None or not file.is_file():
        raise ProblemError(_missing("tinyshakespeare", "tinyshakespeare.txt", folder, "It has no other source"))
    text = _read(file, lambda: np.frombuffer(file.read_bytes(), np.uint8))
    characters, tokens = np.unique(text, return_inverse=True)
    windows = (len(tokens) - 1) // _CONTEXT
    X = tokens[: windows * _CONTEXT].reshape(windows, _CONTEXT)
    y = tokens[1 : windows * _CONTEXT + 1].reshape(windows, _CONTEXT)
    return Problem(
        partial(models.char_transformer, len(characters), _CONTEXT),
        (X, y),
        name="tinyshakespeare",
        task="sequence",
        classes=len(characters),
        metrics=["perplexity", "accuracy"],
        split="time",
    )


def _openml(name: str, file: str, folder: Path | None) -> tuple[Array, Array]:
    from sklearn.datasets import fetch_openml

    if folder is not None:
        raise ProblemError(_missing(name, file, folder, "Or leave --data out to fetch it from OpenML"))
    try:
        X, y = fetch_openml(name, version=1, return_X_y=True, as_frame=False, parser="liac-arff")
    except Exception as error:
        raise ProblemError(_missing(name, file, folder, f"OpenML could not be asked ({error})")) from error
    return np.asarray(X, np.float64), np.asarray(y).astype(np.int64)


def _missing(name: str, file: str, folder: Path | None, why: str) -> str:
    where = "no folder was named" if folder is None else f"{folder} has none"
    return f"`--data` must be a folder with {file} for the problem {name}, and {where}. Pass --data DIR. {why}"


def _folder(data: Path | None) -> Path | None:
    named = data or (Path(os.environ[DATA_VARIABLE]) if os.environ.get(DATA_VARIABLE) else None)
    if named is not None and not Path(named).is_dir():
        raise ProblemError(f"`--data` must be a folder, got {named}, which is none. Check the path")
    return None if named is None else Path(named)


def _read(file: Path, reader: Callable[[], Array]) -> Array:
    try:
        return reader()
    except (OSError, ValueError, struct.error, EOFError) as error:
        raise ProblemError(f"`{file}` must hold what its name says, got damage: {error}. Fetch it again") from error


BUILT_INS: dict[str, BuiltIn] = {
    entry.name: entry
    for entry in (
        BuiltIn("digits", "handwritten digits, 8x8 pixels", "multiclass", "1,797 x 64", True, _digits),
        BuiltIn(
            "breast_cancer", "tumours from cell measurements, features unscaled", "binary", "569 x 30", True,
            partial(_table, name="breast_cancer", outputs=2),
        ),
        BuiltIn(
            "wine", "cultivars from chemical analyses, features unscaled", "multiclass", "178 x 13", True,
            partial(_table, name="wine", outputs=3),
        ),
        BuiltIn(
            "diabetes", "disease progression after a year", "regression", "442 x 10", True,
            partial(_table, name="diabetes", outputs=1),
        ),
        BuiltIn("spambase", "spam from word frequencies, features unscaled", "binary", "4,601 x 57", False, _spambase),
        BuiltIn(
            "mnist", "handwritten digits, 28x28 pixels, small CNN", "multiclass", "10,000 or 70,000 x 1x28x28", False,
            _mnist,
        ),
        BuiltIn(
            "tinyshakespeare", "next character of Shakespeare, small transformer", "sequence",
            f"17,428 x {_CONTEXT} characters", False, _tinyshakespeare,
        ),
    )
}  # fmt: skip
