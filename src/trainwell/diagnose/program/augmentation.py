"""Augmentation that changes what an example shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trainwell.diagnose.metric import wilson
from trainwell.diagnose.program.reading import trace_of
from trainwell.diagnose.rule import rule
from trainwell.records import Finding, Remedy, RunRecord


@rule("label-changing-augmentation", "warning", explains=("overfitting", "suspicious-validation", "underfitting"))
def label_changing_augmentation(run: RunRecord) -> Iterator[Finding]:
    """An augmentation turns examples of one class into another.

    ## What it checks
    Flips and quarter turns that training images went through (found by comparing what the model was given with the
    stored images, apart from scaling). Each is applied to the stored images: a class is confused when its images then
    lie closer to another class than to their own, by a fifth, and no farther from it than stored images are from their
    neighbours. The same is asked of the augmented images themselves, with the labels they came with, whatever changed
    them. Reported from 10 % of a class of 30 images or more on, three times as many as without the change.

    ## Why it matters
    A six that is turned by 180 degrees is a nine: the network is taught a wrong label, and cannot learn both.

    ## What to try
    Leave this turn out, or limit rotations to a few degrees.

    ## When it is wrong
    Classes that look alike in any position, told apart by details that the distance does not see. Changes other than
    flips and quarter turns are judged only by the images that they bring near to stored ones of another class.

    ## Source
    Shorten & Khoshgoftaar 2019, A survey on image data augmentation for deep learning, section on safety.
    """
    trace = trace_of(run)
    change = trace.train_data.get("label_change")
    if not change or change["share"] < 0.1 or change["share"] < 3 * change["clean_share"]:
        return
    if wilson(float(change["share"]), int(change["examples"]), 0.99).low <= float(change["clean_share"]) + 0.02:
        return
    yield Finding(
        "label-changing-augmentation",
        "warning",
        _said(change),
        dict(change),
        Remedy("Leave this turn out of the augmentation, or rotate by a few degrees only."),
        trace.places.get("augmentation") or trace.places.get("train_inputs") or trace.places.get("train_loader"),
    )


def _said(change: Mapping[str, Any]) -> str:
    confused = f"{change['share']:.0%} of class {change['from']} look like class {change['to']}"
    if not change["turn"]:
        return f"After the augmentation {confused}, among the training images looked at."
    return (
        f"After a {change['turn']}, {confused}; {change['used']:.0%} of the training images looked at were turned so."
    )
