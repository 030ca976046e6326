"""For each rule records that it must find and records that it must leave alone; several seeds where noise matters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
from records_for_tests import (
    EPOCHS,
    PER_EPOCH,
    REGRESSION,
    START,
    STEPS,
    accuracy_of,
    data,
    decay,
    model,
    record,
)

from trainwell.records import Baselines, Overlap, RunRecord, Sanity

Maker = Callable[[], Iterable[RunRecord]]
BROKEN: dict[str, list[Maker]] = {}
HEALTHY: dict[str, list[Maker]] = {}
CLOCK = np.linspace(0, 1, EPOCHS + 1)
SEEDS = range(20)


def broken(name: str) -> Callable[[Maker], Maker]:
    return lambda maker: BROKEN.setdefault(name, []).append(maker) or maker


def healthy(name: str) -> Callable[[Maker], Maker]:
    return lambda maker: HEALTHY.setdefault(name, []).append(maker) or maker


# data


@broken("train-eval-overlap")
def validation_is_a_part_of_training():
    yield record(audit=data(overlaps=(Overlap("val", 400, 1.0),)))
    yield record(audit=data(overlaps=(Overlap("val", 60, 0.15),)))


@healthy("train-eval-overlap")
def splits_are_apart():
    yield record()


@healthy("train-eval-overlap")
def a_handful_of_public_duplicates_is_no_alarm():
    yield record(audit=data(overlaps=(Overlap("val", 3, 0.0075),)))
    yield record(audit=data(overlaps=(Overlap("val", 1, 0.03),)))


@broken("duplicate-samples")
def a_tenth_of_the_examples_is_repeated():
    yield record(audit=data({"duplicates": 140}))


@healthy("duplicate-samples")
def two_repeats():
    yield record(audit=data({"duplicates": 2}))


@healthy("duplicate-samples")
def half_a_percent_of_many():
    yield record(audit=data({"examples": 100_000, "duplicates": 500}))


@broken("conflicting-labels")
def three_percent_contradict_each_other():
    yield record(audit=data({"conflicting": 42, "duplicates": 40}))


@healthy("conflicting-labels")
def tiny_discrete_inputs_repeat_anyway():
    yield record(audit=data({"conflicting": 900, "duplicates": 1300}))


@healthy("conflicting-labels")
def numbers_and_single_cases():
    yield record(audit=data({"conflicting": 300}), facts=REGRESSION, baselines=Baselines())
    yield record(audit=data({"conflicting": 3}))


PIXELS = {"input_mean": 33.3, "input_std": 78.6, "input_min": 0.0, "input_max": 255.0}


@broken("unscaled-inputs")
def pixels_from_0_to_255():
    yield record(audit=data(PIXELS))


@broken("unscaled-inputs")
def one_feature_spreads_a_thousand_times_as_much():
    unlike = {"input_mean": 3.0, "input_std": 9.0, "input_max": 900.0, "feature_std_min": 0.02, "feature_std_max": 20.0}
    yield record(audit=data(unlike))


@broken("unscaled-inputs")
def tiny_inputs():
    yield record(audit=data({"input_std": 0.047, "input_min": -0.14, "input_max": 0.2}))


@healthy("unscaled-inputs")
def the_recipe_standardises():
    yield record(audit=data(PIXELS), recipe={"inputs.scaling": "standardize"})


@healthy("unscaled-inputs")
def a_norm_or_an_embedding_comes_first():
    yield record(audit=data(PIXELS), layers=model("Flatten", "BatchNorm1d", "Linear"))
    yield record(audit=data(PIXELS), layers=model("Embedding", "Linear"))
    yield record(audit=data(PIXELS), facts={"input_kind": "tokens"})


@healthy("unscaled-inputs")
def plain_ranges():
    yield record(audit=data({"input_mean": 0.13, "input_std": 0.31, "input_min": 0.0, "input_max": 1.0}))
    yield record(audit=data({"input_std": 0.03, "input_min": 0.0, "input_max": 1.0, "feature_std_max": 0.4}))
    yield record(audit=data({"feature_std_min": 0.001, "feature_std_max": 1.0}))


@broken("non-finite-inputs")
def nan_in_inputs_or_targets():
    yield record(audit=data({"non_finite_inputs": 7}))
    yield record(audit=data(val={"non_finite_targets": 1}))


@healthy("non-finite-inputs")
def all_numbers_are_finite():
    yield record()


@healthy("non-finite-inputs")
def nothing_was_audited():
    yield replace(record(), data=None)


@broken("constant-inputs")
def nothing_changes():
    yield record(audit=data({"constant_share": 1.0, "input_std": 0.0}))
    yield record(audit=data({"constant_share": 0.7}))


@healthy("constant-inputs")
def image_borders():
    yield record(audit=data({"constant_share": 0.6}), facts={"input_kind": "image", "input_shape": (1, 28, 28)})


@healthy("constant-inputs")
def padded_and_one_hot_columns():
    yield record(audit=data({"constant_share": 0.8, "input_min": 0.0, "input_max": 1.0}))


FEW = {"label_counts": {"0": 1390, "1": 10}}


@broken("class-imbalance")
def one_class_has_ten_of_1400():
    yield record(audit=data(FEW), facts={"task": "binary", "classes": 2})


@broken("class-imbalance")
def a_class_of_validation_is_missing_in_training():
    yield record(
        audit=data({"label_counts": {"0": 700, "1": 700, "2": 0}}, {"label_counts": {"0": 90, "1": 90, "2": 90}})
    )


@healthy("class-imbalance")
def loss_or_sampler_make_up_for_it():
    about = {"task": "binary", "classes": 2}
    for change in ({"loss.class_weights": "balanced"}, {"loss.focal_gamma": 2.0}, {"sampling": "balanced"}):
        yield record(audit=data(FEW), facts=about, recipe=change)
    yield record(audit=data(FEW), facts={**about, "loss": "focal_loss"})
    yield record(audit=data(FEW), facts={**about, "metric": "auroc", "metrics": ("auroc",)})


@healthy("class-imbalance")
def a_third_of_the_fair_share_and_tiny_sets():
    both = {"label_counts": {"0": 200, "1": 200}}
    yield record(audit=data({"label_counts": {"0": 1200, "1": 200}}, both))
    yield record(audit=data({"examples": 30, "label_counts": {"0": 29, "1": 1}}, both))


@broken("unshuffled-training")
def sorted_labels_in_their_order():
    yield record(audit=data(sequential=True), recipe={"sampling": "ordered"})


@healthy("unshuffled-training")
def sorted_labels_shuffled():
    yield record(audit=data(sequential=True))


@healthy("unshuffled-training")
def ordered_but_mixed_or_sequences():
    yield record(recipe={"sampling": "ordered"})
    yield record(audit=data(sequential=True), recipe={"sampling": "ordered"}, facts={"task": "sequence"})


def _shuffled_labels(seed: int = 0, **changes) -> RunRecord:
    rng = np.random.default_rng(seed)
    rises = START * (1 + 0.6 * CLOCK)
    val = rng.binomial(400, 0.1, EPOCHS + 1) / 400
    train = np.clip(0.1 + 0.8 * CLOCK, 0, 1)
    usual = {
        "train_loss": START * (1 - 0.8 * CLOCK),
        "val_loss": rises,
        "val_metric": val,
        "train_metric": train,
        "audit": data(nearest_neighbour_agreement=0.105),
        "baselines": Baselines(START, 0.1, 0.11),
    }
    return record(**usual | changes)


@broken("labels-unrelated-to-inputs")
def labels_were_shuffled():
    yield from (_shuffled_labels(seed) for seed in SEEDS)


@healthy("labels-unrelated-to-inputs")
def a_hard_task_with_some_signal():
    rng = np.random.default_rng(0)
    yield _shuffled_labels(val_metric=rng.binomial(400, 0.2, EPOCHS + 1) / 400)
    yield _shuffled_labels(audit=data(nearest_neighbour_agreement=0.3))
    yield _shuffled_labels(baselines=Baselines(START, 0.1, 0.25))


@healthy("labels-unrelated-to-inputs")
def nothing_was_fitted():
    yield _shuffled_labels(train_loss=np.full(EPOCHS + 1, START), train_metric=np.full(EPOCHS + 1, 0.1))


@broken("invalid-labels")
def labels_out_of_range():
    yield record(audit=data(val={"invalid_labels": 4}))


@broken("invalid-labels")
def one_label_for_all():
    yield record(audit=data({"label_counts": {"0": 1400, "1": 0}}))
    yield record(audit=data({"label_counts": None, "target_mean": 3.0, "target_std": 0.0}), facts=REGRESSION)


@healthy("invalid-labels")
def ten_classes():
    yield record()


@healthy("invalid-labels")
def targets_that_vary():
    yield record(audit=data({"label_counts": None, "target_mean": 3.0, "target_std": 2.0}), facts=REGRESSION)
    yield record(audit=data({"examples": 8, "label_counts": {"0": 8}}))


@broken("split-shift")
def validation_was_scaled_differently():
    yield record(audit=data({"input_mean": 0.13, "input_std": 0.31, "input_min": 0, "input_max": 1}, PIXELS))
    yield record(audit=data(shift={"val": 1.4}))


@broken("split-shift")
def label_shares_differ():
    yield record(audit=data({"label_counts": {"0": 700, "1": 700}}, {"label_counts": {"0": 360, "1": 40}}))


@healthy("split-shift")
def small_differences():
    yield record(audit=data(shift={"val": 0.3}))
    yield record(audit=data(val={"input_std": 1.4, "input_max": 5.0}))
    yield record(audit=data({"label_counts": {"0": 700, "1": 700}}, {"label_counts": {"0": 180, "1": 220}}))


@healthy("split-shift")
def small_sets_and_heavy_tails():
    yield record(audit=data(val={"examples": 20}, shift={"val": 0.9}))
    tails = {"input_std": 100.0, "input_min": 0.0, "input_max": 16_000.0}
    yield record(
        audit=data(tails, {"input_std": 40.0, "input_min": 0.0, "input_max": 3000.0}), layers=model("LayerNorm")
    )


@broken("leaky-feature")
def an_identifier_in_order_of_the_classes():
    yield record(audit=data(leaky_feature=(3, 0.9998)))


@healthy("leaky-feature")
def a_strong_feature():
    yield record(audit=data(leaky_feature=(3, 0.98)))


@healthy("leaky-feature")
def the_only_feature():
    yield record(audit=data(leaky_feature=(0, 1.0)), facts=REGRESSION | {"input_shape": (1,)}, baselines=Baselines())


@broken("tiny-evaluation-set")
def forty_examples():
    yield record(audit=data(val={"examples": 40}), examples=40)
    yield record(audit=data(val={"examples": 40}), facts=REGRESSION, examples=40, baselines=Baselines())


@healthy("tiny-evaluation-set")
def four_hundred_examples():
    yield record()


@healthy("tiny-evaluation-set")
def few_long_sequences():
    yield record(audit=data(val={"examples": 20}), facts={"task": "sequence", "input_kind": "tokens"})


# model


@broken("bad-initial-loss")
def the_first_loss_is_ten_times_ln_k():
    yield record(train_loss=decay(CLOCK, 10 * START))
    yield replace(record(), sanity=Sanity(25.0, START), all_evaluations=record().all_evaluations[2:])


@broken("bad-initial-loss")
def targets_far_from_zero():
    loss, metric = decay(CLOCK, 29_000, 3000), np.sqrt(decay(CLOCK, 29_000, 3000))
    guess = Baselines(5900.0, 77.0, 55.0)
    yield record(train_loss=loss, train_metric=metric, val_metric=metric, facts=REGRESSION, baselines=guess)


@healthy("bad-initial-loss")
def a_usual_start():
    yield record(train_loss=decay(CLOCK, 1.2 * START))
    rare = data({"label_counts": {"0": 1300, "1": 100}})
    yield record(train_loss=decay(CLOCK, 0.71), audit=rare, layers=model(output=(2,)), baselines=Baselines(0.26, 0.93))


@healthy("bad-initial-loss")
def a_pretrained_model_starts_low():
    yield record(train_loss=decay(CLOCK, 0.3, 0.1))


@broken("output-size-mismatch")
def a_head_of_another_task():
    yield record(layers=model(output=(1000,)))
    yield record(layers=model(output=(2, 9)))


@healthy("output-size-mismatch")
def one_score_per_class():
    yield record()
    yield record(layers=model(output=()))


@healthy("output-size-mismatch")
def one_logit_and_vocabularies():
    two = data({"label_counts": {"0": 700, "1": 700}}, {"label_counts": {"0": 200, "1": 200}})
    yield record(audit=two, facts={"task": "binary", "classes": 2}, layers=model(output=(1,)))
    yield record(layers=model(output=(50_000,)), facts={"task": "sequence", "input_kind": "tokens"})


@broken("excessive-dropout")
def nine_of_ten_dropped():
    yield record(recipe={"model.dropout": 0.9})


@healthy("excessive-dropout")
def half_dropped():
    yield record(recipe={"model.dropout": 0.5})


@healthy("excessive-dropout")
def a_keep_probability():
    yield record(recipe={"model.dropout_keep": 0.9})


@broken("batchnorm-small-batch")
def batches_of_two():
    yield record(recipe={"batch_size": 2}, layers=model("Linear", "BatchNorm1d", "Linear"))


@healthy("batchnorm-small-batch")
def batch_norm_over_images():
    yield record(recipe={"batch_size": 2}, layers=model("Conv2d", "BatchNorm2d", "Linear"))


@healthy("batchnorm-small-batch")
def layer_norm_or_larger_batches():
    yield record(recipe={"batch_size": 2}, layers=model("Linear", "LayerNorm", "Linear"))
    yield record(recipe={"batch_size": 16}, layers=model("Linear", "BatchNorm1d", "Linear"))


def _norms(late: float) -> np.ndarray:
    return np.where(np.arange(STEPS) > STEPS * 0.6, late, 1.0)


@broken("exploding-gradients")
def norms_and_loss_grow_together():
    loss = decay(CLOCK)
    loss[14:] = 40.0
    yield record(train_loss=loss, gradient_norm=_norms(1e4), status="diverged")


@healthy("exploding-gradients")
def gradients_grow_when_a_plateau_ends():
    yield record(train_loss=START * np.where(CLOCK < 0.6, 1.0, 1.6 - CLOCK), gradient_norm=_norms(500.0))


@healthy("exploding-gradients")
def a_clipped_spike_of_the_warm_up():
    norms = np.where(np.arange(STEPS) < 40, 1e3, 1.0)
    yield record(gradient_norm=norms, recipe={"clipping": "norm"})
    yield record(gradient_norm=norms)


# loss


@broken("non-finite-loss")
def the_loss_becomes_nan():
    loss = np.append(np.geomspace(2.3, 1e6, 30), [math.nan])
    yield record(step_loss=loss, status="diverged", planned_steps=STEPS)
    yield record(step_loss=np.append(decay(np.linspace(0, 0.1, 30)), [math.inf]))


@broken("non-finite-loss")
def only_an_evaluation_is_infinite():
    val = decay(CLOCK)
    val[5] = math.inf
    yield record(val_loss=val)


@healthy("non-finite-loss")
def a_large_but_finite_loss():
    yield record(train_loss=1e6 * decay(CLOCK))


@healthy("non-finite-loss")
def the_start_up_of_a_scaler():
    norms = np.where(np.arange(STEPS) < 30, math.inf, 1.0)
    yield record(gradient_norm=norms, recipe={"precision.dtype": "fp16"})


@broken("constant-loss")
def no_bit_of_the_loss_changes():
    yield record(step_loss=np.full(STEPS, 2.25), train_loss=np.full(EPOCHS + 1, 2.25))


@healthy("constant-loss")
def a_plateau_with_the_noise_of_batches():
    yield record(train_loss=np.full(EPOCHS + 1, START))


@healthy("constant-loss")
def the_loss_reaches_exactly_zero():
    yield record(step_loss=np.maximum(0, 2.3 - 0.1 * np.arange(STEPS)), train_loss=np.maximum(0, 2.3 - CLOCK * 4))


# optimization


@broken("learning-rate-too-high")
def the_run_diverges():
    loss = np.append(np.geomspace(2.3, 1e6, 30), [math.nan])
    yield record(step_loss=loss, train_loss=[START], status="diverged", update_ratio=0.5, lr=1.0)
    yield record(step_loss=[2.3, 4e7, math.inf], train_loss=[START], status="diverged", update_ratio=0.5, lr=10.0)


@broken("learning-rate-too-high")
def a_blow_up_that_kills_the_network():
    steps = np.full(STEPS, START)
    steps[2:9] = [9, 200, 1000, 300, 60, 20, 9]
    ratios = np.where(np.arange(STEPS) < 12, 0.8, 1e-5)
    yield record(step_loss=steps, train_loss=np.full(EPOCHS + 1, START), update_ratio=ratios, lr=1.0)


@broken("learning-rate-too-high")
def the_loss_swings():
    for seed in SEEDS:
        swings = np.random.default_rng(seed).uniform(0.6, 2.4, EPOCHS + 1) * START
        yield record(train_loss=np.append(START, swings[1:]), update_ratio=0.05, lr=0.3, seed=seed)


@healthy("learning-rate-too-high")
def noisy_small_batches():
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        loss = np.interp(np.arange(STEPS) / PER_EPOCH, np.arange(EPOCHS + 1), decay(CLOCK)) * rng.lognormal(
            0, 0.8, STEPS
        )
        yield record(step_loss=loss, seed=seed, recipe={"batch_size": 2}, update_ratio=0.02)


@healthy("learning-rate-too-high")
def an_early_bump_that_the_run_recovers_from():
    steps = np.interp(np.arange(STEPS) / PER_EPOCH, np.arange(EPOCHS + 1), decay(CLOCK))
    steps[3:10] *= 6
    yield record(step_loss=steps, update_ratio=0.02)


@healthy("learning-rate-too-high")
def a_task_near_its_noise_floor():
    for seed in SEEDS:
        near = START * (0.97 + 0.01 * np.random.default_rng(seed).normal(size=EPOCHS + 1))
        yield record(train_loss=np.append(START, near[1:]), update_ratio=0.02, seed=seed)


def _slow(fell: float = 0.05, ratio: float = 1e-5, noise: float = 2e-4, seed: int = 0, **changes) -> RunRecord:
    rng = np.random.default_rng(seed)
    line = START * (1 - fell * CLOCK) + START * noise * rng.normal(size=len(CLOCK))
    return record(train_loss=line, seed=seed, update_ratio=ratio, **{"lr": 1e-5} | changes)


@broken("learning-rate-too-low")
def the_loss_creeps_down_a_straight_line():
    yield from (_slow(seed=seed, ratio=3e-4) for seed in SEEDS)


@broken("learning-rate-too-low")
def nothing_moves_at_all():
    yield from (_slow(0.0, 1e-7, noise=1e-6, seed=seed) for seed in SEEDS)


@broken("learning-rate-too-low")
def slow_under_warm_up_and_cosine():
    t = np.arange(STEPS)
    rates = 1e-5 * np.minimum(1, t / 40) * 0.5 * (1 + np.cos(np.pi * t / STEPS))
    spent = np.append(0, np.cumsum(rates)) / rates.sum()
    line = START * (1 - 0.05 * spent[:: STEPS // EPOCHS])
    yield record(train_loss=line, lr=rates, update_ratio=1e-5 * rates / 1e-5)


@healthy("learning-rate-too-low")
def a_run_that_reaches_its_optimum():
    yield from (record(train_loss=decay(CLOCK, floor=0.8, pace=p), seed=s) for s, p in enumerate((4.0, 6.0, 12.0)))


@healthy("learning-rate-too-low")
def fine_tuning_near_the_optimum():
    for seed in SEEDS:
        near = 0.2 + 0.02 * np.exp(-5 * CLOCK) + 1e-3 * np.random.default_rng(seed).normal(size=EPOCHS + 1)
        yield record(train_loss=near, update_ratio=1e-5, lr=1e-5, seed=seed)


@healthy("learning-rate-too-low")
def a_plateau_of_a_hard_task():
    for seed in SEEDS:
        flat = START * (
            1 - 0.02 * (1 - np.exp(-20 * CLOCK)) + 1e-3 * np.random.default_rng(seed).normal(size=EPOCHS + 1)
        )
        yield record(train_loss=flat, update_ratio=5e-3, seed=seed)


@healthy("learning-rate-too-low")
def a_short_run():
    yield record(train_loss=START * (1 - 0.02 * np.linspace(0, 1, 3)), per_epoch=10, update_ratio=1e-5, lr=1e-5)


def _rates(values: np.ndarray, **changes) -> RunRecord:
    return record(lr=1e-3 * values, **changes)


T = np.arange(STEPS) / STEPS


@broken("rising-schedule")
def a_factor_above_one():
    yield _rates(1.01 ** np.arange(STEPS) / 1.01**STEPS)
    yield _rates(np.linspace(1e-3, 1, STEPS))


@healthy("rising-schedule")
def warm_up_one_cycle_and_cycles():
    yield _rates(np.minimum(1, T / 0.6))
    yield _rates(np.where(T < 0.3, T / 0.3, (1 - T) / 0.7))
    yield _rates(np.abs((T * 4) % 2 - 1))


@healthy("rising-schedule")
def a_run_cut_inside_its_warm_up_and_a_range_test():
    yield _rates(np.linspace(0.01, 0.4, STEPS), planned_steps=3 * STEPS, status="interrupted")
    yield _rates(np.linspace(0.01, 0.4, STEPS), planned_steps=3 * STEPS, status="diverged")
    yield _rates(np.geomspace(1e-6, 1, STEPS), parent={"step": "learning-rate"})


@broken("collapsed-schedule")
def a_schedule_for_epochs_stepped_at_each_batch():
    yield _rates(0.9 ** np.arange(STEPS))


@healthy("collapsed-schedule")
def decays_to_the_end_of_the_run():
    yield _rates(0.5 * (1 + np.cos(np.pi * T)))
    yield _rates(1 - T)
    yield _rates(0.1 ** np.floor(3 * T))


@healthy("collapsed-schedule")
def restarts_and_a_patient_plateau():
    yield _rates(0.5 * (1 + np.cos(np.pi * ((4 * T) % 1))))
    yield _rates(np.where(T < 0.3, 1, 1e-4), recipe={"schedule": "plateau"})


@broken("always-clipped")
def every_gradient_is_forty_times_the_limit():
    sgd = {"clipping": "norm", "optimizer": "sgd"}
    yield record(gradient_norm=np.random.default_rng(0).lognormal(3.7, 0.3, STEPS), recipe=sgd)
    yield record(clip_factor=0.02, recipe=sgd)


@healthy("always-clipped")
def clipped_at_the_start_only():
    norms = np.where(np.arange(STEPS) < 60, 50.0, 0.3)
    yield record(gradient_norm=norms, recipe={"clipping": "norm", "optimizer": "sgd"})


@healthy("always-clipped")
def clipped_by_a_small_factor_or_not_at_all():
    yield record(gradient_norm=2.0, recipe={"clipping": "norm", "optimizer": "sgd"})
    yield record(gradient_norm=50.0)


def _spiky(places: Iterable[int], seed: int = 0, height: float = 8.0, **changes) -> RunRecord:
    rng = np.random.default_rng(seed)
    loss = np.interp(np.arange(STEPS) / PER_EPOCH, np.arange(EPOCHS + 1), decay(CLOCK, pace=3)) * rng.lognormal(
        0, 0.1, STEPS
    )
    for place in places:
        loss[place : place + 12] *= np.linspace(height, 1.5, 12)
    return record(step_loss=loss, seed=seed, **changes)


@broken("loss-spikes")
def two_jumps_that_take_ten_steps_each():
    yield from (_spiky((150, 300), seed) for seed in SEEDS)


@healthy("loss-spikes")
def one_jump():
    yield from (_spiky((200,), seed) for seed in SEEDS)


@healthy("loss-spikes")
def heavy_tails_of_single_batches():
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        loss = np.interp(np.arange(STEPS) / PER_EPOCH, np.arange(EPOCHS + 1), decay(CLOCK))
        yield record(step_loss=loss * np.exp(0.3 * rng.standard_t(3, STEPS)), seed=seed)


@healthy("loss-spikes")
def restarts_of_the_rate():
    rates = 1e-3 * 0.5 * (1 + np.cos(np.pi * ((3 * T) % 1)))
    yield _spiky((148, 295), lr=rates)


@broken("coupled-weight-decay")
def adam_with_l2():
    yield record(recipe={"optimizer": "adam", "optimizer.weight_decay": 0.01})


@healthy("coupled-weight-decay")
def decoupled_decay():
    yield record(recipe={"optimizer": "adamw", "optimizer.weight_decay": 0.01})
    yield record(recipe={"optimizer": "nadam", "optimizer.weight_decay": 0.01, "optimizer.decoupled": True})


@healthy("coupled-weight-decay")
def no_decay():
    yield record(recipe={"optimizer": "adam"})
    yield record(recipe={"optimizer": "sgd", "optimizer.weight_decay": 5e-4})


DECAY_ALL = {"parameters.decay_all": True, "optimizer.weight_decay": 0.1}


@broken("decayed-norms-and-biases")
def decay_on_everything():
    yield record(recipe=DECAY_ALL, layers=model("Linear", "LayerNorm", "Linear"))


@healthy("decayed-norms-and-biases")
def norms_are_spared():
    yield record(recipe={"optimizer.weight_decay": 0.1}, layers=model("Linear", "LayerNorm", "Linear"))


@healthy("decayed-norms-and-biases")
def a_model_without_norms():
    yield record(recipe=DECAY_ALL)


# generalization


def _turning(rise: float = 0.8, noise: float = 0.01, seed: int = 0, **changes) -> RunRecord:
    rng = np.random.default_rng(seed)
    val = (
        decay(CLOCK, floor=0.5, pace=15)
        + rise * np.maximum(0, CLOCK - 0.25)
        + noise * START * rng.normal(size=len(CLOCK))
    )
    usual = {"val_metric": np.where(CLOCK < 0.25, accuracy_of(val), 0.7 - 0.05 * CLOCK), "seed": seed}
    return record(train_loss=decay(CLOCK, floor=0.01, pace=6), val_loss=val, **usual | changes)


@broken("overfitting")
def the_validation_loss_turns():
    yield from (_turning(seed=seed) for seed in SEEDS)


@healthy("overfitting")
def noise_of_one_evaluation():
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        val = decay(CLOCK, floor=0.5, pace=15) + 0.02 * START * rng.normal(size=len(CLOCK))
        val[-1] += 0.5
        yield record(train_loss=decay(CLOCK, floor=0.01), val_loss=val, seed=seed)


@healthy("overfitting")
def a_stable_gap():
    for seed in SEEDS:
        val = decay(CLOCK, floor=0.8, pace=15) + 0.01 * START * np.random.default_rng(seed).normal(size=len(CLOCK))
        yield record(train_loss=decay(CLOCK, floor=0.01), val_loss=val, seed=seed)


@healthy("overfitting")
def stopped_soon_after_the_turn():
    yield from (replace(r, all_evaluations=r.all_evaluations[:18]) for r in (_turning(seed=s) for s in SEEDS))


@healthy("overfitting")
def both_losses_rise():
    yield record(train_loss=0.5 + CLOCK, val_loss=0.6 + CLOCK)


def _level(train: float, val: float, seed: int = 0, **changes) -> RunRecord:
    rng = np.random.default_rng(seed)
    loss = 1.2 + (START - 1.2) * np.exp(-15 * CLOCK) + 0.005 * rng.normal(size=len(CLOCK))
    metrics = {
        "train_metric": rng.binomial(400, train, len(CLOCK)) / 400,
        "val_metric": rng.binomial(400, val, len(CLOCK)) / 400,
    }
    return record(train_loss=loss, seed=seed, **metrics | changes)


@broken("underfitting")
def a_line_is_better():
    yield from (_level(0.6, 0.58, seed) for seed in SEEDS)


@healthy("underfitting")
def as_good_as_a_line():
    noisy = {"baselines": Baselines(START, 0.1, 0.6), "audit": data(nearest_neighbour_agreement=0.5)}
    yield from (_level(0.6, 0.6, seed, **noisy) for seed in SEEDS)


@healthy("underfitting")
def a_run_that_still_improves():
    yield record(train_loss=START * (1 - 0.6 * CLOCK))


@broken("stopped-early")
def the_validation_loss_still_falls():
    for seed in SEEDS:
        val = START * (1 - 0.7 * CLOCK) + 0.005 * np.random.default_rng(seed).normal(size=len(CLOCK))
        yield record(train_loss=START * (1 - 0.72 * CLOCK), val_loss=val, seed=seed)


@healthy("stopped-early")
def a_run_that_levelled_off():
    yield record()


@healthy("stopped-early")
def a_budgeted_or_interrupted_run():
    line = START * (1 - 0.7 * CLOCK)
    yield record(train_loss=line, status="stopped", recipe={"stopping.seconds": 5.0})
    yield record(train_loss=line, status="interrupted")


@broken("no-better-than-chance")
def the_metric_of_a_guess():
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        guess = rng.binomial(400, 0.1, EPOCHS + 1) / 400
        yield record(
            train_loss=np.full(EPOCHS + 1, START), val_loss=np.full(EPOCHS + 1, START), val_metric=guess, seed=seed
        )


@broken("no-better-than-chance")
def one_answer_for_every_input_of_a_small_set():
    flat = np.full(EPOCHS + 1, 0.66)
    yield record(
        val_loss=flat, val_metric=np.full(EPOCHS + 1, 0.6), examples=60, facts={"task": "binary", "classes": 2},
        baselines=Baselines(0.66, 0.6, 0.6), audit=data({"label_counts": {"0": 840, "1": 560}}),
    )  # fmt: skip


@broken("no-better-than-chance")
def an_error_as_large_as_that_of_the_mean():
    flat = np.full(EPOCHS + 1, 1.02)
    guess = Baselines(1.0, 1.0, 0.6)
    yield record(val_loss=flat, val_metric=flat, train_metric=flat, facts=REGRESSION, baselines=guess)


@healthy("no-better-than-chance")
def a_weak_signal():
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        weak = rng.binomial(400, 0.2, EPOCHS + 1) / 400
        yield record(val_loss=np.full(EPOCHS + 1, START), val_metric=weak, seed=seed)


@healthy("no-better-than-chance")
def first_steps_and_small_sets():
    guess = np.full(2, 0.1)
    yield record(train_loss=np.full(2, START), val_metric=guess)
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        few = rng.binomial(30, 0.25, EPOCHS + 1) / 30
        yield record(val_metric=few, val_loss=np.full(EPOCHS + 1, START), examples=30, seed=seed)


@healthy("no-better-than-chance")
def rare_classes_with_a_better_loss():
    same = np.full(EPOCHS + 1, 0.95)
    yield record(val_loss=decay(CLOCK, 0.2, 0.1), val_metric=same, baselines=Baselines(0.2, 0.95, 0.95))


@broken("best-weights-lost")
def the_end_is_worse_and_was_kept():
    accuracy = np.where(CLOCK < 0.6, 0.9, 0.7)
    yield record(val_metric=accuracy, recipe={"stopping.keep": "last"})


@healthy("best-weights-lost")
def the_best_were_kept():
    yield record(val_metric=np.where(CLOCK < 0.6, 0.9, 0.7))


@healthy("best-weights-lost")
def the_end_differs_by_noise():
    for seed in SEEDS:
        noisy = np.random.default_rng(seed).binomial(400, 0.85, EPOCHS + 1) / 400
        yield record(val_metric=noisy, recipe={"stopping.keep": "last"}, seed=seed)


@broken("suspicious-validation")
def validation_beats_training_by_far():
    yield record(train_metric=np.full(EPOCHS + 1, 0.78), val_metric=np.full(EPOCHS + 1, 0.95))


@healthy("suspicious-validation")
def an_easier_split_by_luck():
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        train, val = (rng.binomial(400, 0.85) / 400 + 0.005 * rng.normal(size=EPOCHS + 1) for _ in range(2))
        yield record(train_metric=train, val_metric=val, seed=seed)


@healthy("suspicious-validation")
def tiny_sets():
    yield record(
        train_metric=np.full(EPOCHS + 1, 0.8), val_metric=np.full(EPOCHS + 1, 0.95), examples=20,
        audit=data(val={"examples": 20}),
    )  # fmt: skip
