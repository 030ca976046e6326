"""Three problems of the study in README.md, small enough for a thousand trainings on a processor.

All are cut from built-in problems; `--data` names the folder with their files.
"""

from functools import partial
from pathlib import Path

import torch
from torch.nn.functional import avg_pool2d

from trainwell import Problem, load_problem
from trainwell.problem import models


def spam(data: Path | None = None) -> Problem:
    """Spambase in its own split, features standardised by the training part, for the network that it comes with."""
    whole = load_problem("spambase", data)
    mean, deviation = whole.train.inputs.mean(0), whole.train.inputs.std(0)
    parts = [((part.inputs - mean) / deviation, part.targets) for part in whole.splits().values()]
    return Problem(whole.factory, *parts, name="spambase", classes=2)


def images(data: Path | None = None) -> Problem:
    """MNIST's 10,000 test images at half the size, for a small CNN: 640 to train, 640 to choose, 4,000 to judge."""
    X, y = _everything("mnist", data)
    parts = [(avg_pool2d(X[a:b], 2), y[a:b]) for a, b in ((0, 640), (640, 1280), (1280, 5280))]
    return Problem(partial(models.cnn, 1, 14, 10, width=8, hidden=32), *parts, name="mnist-cnn", classes=10)


def characters(data: Path | None = None) -> Problem:
    """The next character of Shakespeare for a small transformer: 512 windows of 16 to train, 256, 1,000."""
    X, y = _everything("tinyshakespeare", data)
    X, y = (tokens[:442].reshape(1768, 16) for tokens in (X, y))
    parts = [(X[a:b], y[a:b]) for a, b in ((0, 512), (512, 768), (768, 1768))]
    model = partial(models.char_transformer, 65, 16, width=32, depth=1, heads=2)
    return Problem(model, *parts, name="shakespeare", task="sequence", classes=65, metrics=["perplexity", "accuracy"])


def _everything(name: str, data: Path | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and targets of all splits of a built-in problem."""
    splits = load_problem(name, data).splits().values()
    return torch.cat([part.inputs for part in splits]), torch.cat([part.targets for part in splits])
