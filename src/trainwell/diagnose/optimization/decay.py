"""Weight decay: mixed into the gradient, or on parameters that should be spared."""

from __future__ import annotations

import math
from collections.abc import Iterator

from trainwell.diagnose.questions import (
    layer_kinds,
)
from trainwell.diagnose.rule import rule
from trainwell.records import Finding, Remedy, RunRecord

_COUPLED = ("adam", "nadam", "radam")


@rule("coupled-weight-decay", "advice")
def coupled_weight_decay(run: RunRecord) -> Iterator[Finding]:
    """L2 inside Adam instead of decoupled weight decay.

    ## What it checks
    Weight decay above 0 with Adam, or with NAdam or RAdam that are not `decoupled`.

    ## Why it matters
    The decay goes through Adam's division by the gradient's size: weights with large gradients are decayed least,
    and the best decay depends on the learning rate.

    ## What to try
    `optimizer.name = "adamw"`, with the decay tuned anew (0.01 to 0.1).

    ## When it is wrong
    A recipe of others that was tuned with L2.

    ## Source
    Loshchilov & Hutter 2019, Decoupled weight decay regularization, ICLR.
    """
    name, decay = run.recipe_value("optimizer.name"), run.recipe_value("optimizer.weight_decay", 0.0)
    if name in _COUPLED and decay and not run.recipe_value("optimizer.decoupled", False):
        yield Finding(
            "coupled-weight-decay",
            "advice",
            f"A weight decay of {decay:g} goes through the gradient of {name}.",
            {"optimizer": name, "weight_decay": decay},
            Remedy(
                "Decouple the weight decay.",
                {"optimizer.name": "adamw"} if name == "adam" else {"optimizer.decoupled": True},
            ),
        )


@rule("decayed-norms-and-biases", "advice")
def decayed_norms_and_biases(run: RunRecord) -> Iterator[Finding]:
    """Weight decay on norm scales and biases.

    ## What it checks
    `parameters.decay_all` together with a weight decay above 0, in a model with norm layers.

    ## Why it matters
    Pulling a norm's scale or a bias to zero limits no complexity and costs accuracy, most of all with large decays.

    ## What to try
    `parameters.decay_all = false`, the default.

    ## When it is wrong
    Comparison with a program that decays everything.

    ## Source
    He, Zhang, Zhang, Zhang, Xie & Li 2019, Bag of tricks for image classification with convolutional neural networks,
    CVPR, section 3.1.
    """
    decay = run.recipe_value("optimizer.weight_decay", 0.0)
    norms = sum("Norm" in kind for kind in layer_kinds(run))
    if run.recipe_value("parameters.decay_all") and decay and norms and math.isfinite(decay):
        yield Finding(
            "decayed-norms-and-biases",
            "advice",
            f"A weight decay of {decay:g} also shrinks the scales of {norms} norm layers and all biases.",
            {"weight_decay": decay, "norm_layers": norms},
            Remedy("Spare norms and biases.", {"parameters.decay_all": False}),
        )
