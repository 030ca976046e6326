"""Loaders and what they deliver: random evaluation data, workers that draw alike, order, waiting."""

from __future__ import annotations

from collections.abc import Iterator

from trainwell.diagnose.program.reading import also, trace_of
from trainwell.diagnose.rule import rule
from trainwell.records import Finding, LoaderTrace, Remedy, RunRecord, TraceRecord


@rule("random-evaluation", "warning", explains=("tiny-evaluation-set",))
def random_evaluation(run: RunRecord) -> Iterator[Finding]:
    """Evaluation inputs change from pass to pass.

    ## What it checks
    An unshuffled loader that only evaluation used: the first samples of one pass against those of the next, byte by
    byte. Reported when half or more of 4 or more samples differ, unless the model gets several rows for each of them.

    ## Why it matters
    The score measures another data set each time: its noise hides real differences, and augmented inputs are not those
    that the model will see.

    ## What to try
    A dataset without random transforms for evaluation.

    ## When it is wrong
    Test-time augmentation that averages several views of each input.

    ## Source
    Shorten & Khoshgoftaar 2019, A survey on image data augmentation for deep learning.
    """
    trace = trace_of(run)
    for loader in trace.loaders:
        if loader.evaluate and not loader.train and loader.looked_twice >= 4 and not _gives_views(trace, loader):
            share = loader.drawn_twice / loader.looked_twice
            if share >= 0.5:
                yield also(
                    Finding(
                        "random-evaluation",
                        "warning",
                        f"{loader.drawn_twice} of {loader.looked_twice} evaluation inputs differ between two passes.",
                        {"compared": loader.looked_twice, "different": loader.drawn_twice},
                        Remedy("Give the evaluation loader a dataset without random transforms."),
                        loader.data_place or loader.place,
                    ),
                    loader.place,
                )
                return


def _gives_views(trace: TraceRecord, loader: LoaderTrace) -> bool:
    """Whether a model gets at least twice as many rows as the loader has examples in a batch: several views of each."""
    calls = [c for c in trace.calls if c.loader == loader.key and not c.grad and c.calls]
    batch = loader.batch_size or 0
    return bool(calls) and batch > 0 and all(c.rows >= 1.8 * batch * c.calls for c in calls)


@rule("repeated-worker-randomness", "error", explains=("overfitting",))
def repeated_worker_randomness(run: RunRecord) -> Iterator[Finding]:
    """Loader workers draw the same random numbers.

    ## What it checks
    A loader with two or more workers whose dataset (or its transform) carries a random generator of its own, copied
    into every worker, without a `worker_init_fn`; or a `worker_init_fn` that seeds without the worker's number.

    ## Why it matters
    Samples of different workers get the same augmentations, and each epoch repeats them: less variety than it seems.

    ## What to try
    Make the generator in the worker, from `torch.initial_seed()` or `torch.utils.data.get_worker_info().seed`.

    ## When it is wrong
    A generator that only `__init__` uses. torch's own generator and the global ones of NumPy and `random` are
    seeded per worker by PyTorch.

    ## Source
    Tanel Pärnamaa 2021, Using PyTorch + NumPy? You're making a mistake.
    """
    trace = trace_of(run)
    facts = {d.key: d.facts for d in trace.datasets}
    for loader in trace.loaders:
        if loader.workers < 2 or not loader.train:
            continue
        about = facts.get(loader.dataset, {})
        own = about.get("own_generators") or []
        constant = bool(about.get("constant_worker_seed"))
        if (own and not loader.worker_init) or constant:
            why = (
                "worker_init_fn seeds every worker alike"
                if constant
                else f"the dataset's generator `{own[0]}` is copied into each worker"
            )
            yield Finding(
                "repeated-worker-randomness",
                "error",
                f"{loader.workers} workers draw the same random numbers: {why}.",
                {"workers": loader.workers, "generators": list(own), "constant_seed": constant},
                Remedy(
                    "Seed each worker differently.",
                    code="def init(worker): dataset.rng = np.random.default_rng(torch.initial_seed() % 2**32)",
                ),
                loader.place,
            )


@rule("sampler-epoch-not-set", "error")
def sampler_epoch_not_set(run: RunRecord) -> Iterator[Finding]:
    """A DistributedSampler shuffles the same way every epoch.

    ## What it checks
    A training loader with a shuffling DistributedSampler whose epoch was the same in two or more passes.

    ## Why it matters
    Every epoch sees the same order and the same split of examples over processes.

    ## What to try
    `sampler.set_epoch(epoch)` at the head of every epoch.

    ## When it is wrong
    A sampler that is made anew each epoch with another seed.

    ## Source
    PyTorch documentation, DistributedSampler.
    """
    for loader in trace_of(run).loaders:
        shuffles = loader.sampler == "DistributedSampler" and loader.shuffled
        if shuffles and loader.passes >= 2 and loader.train and not loader.set_epoch_calls:
            yield Finding(
                "sampler-epoch-not-set",
                "error",
                f"DistributedSampler kept epoch and order over {loader.passes} epochs.",
                {"passes": loader.passes, "set_epoch_calls": 0},
                Remedy("Tell the sampler the epoch.", code="sampler.set_epoch(epoch)"),
                loader.sampler_place or loader.place or loader.place_of_use,
            )
