"""Augmentations against brute force, image by image."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import ndimage, stats

from trainwell.data import Examples, augment, mixing
from trainwell.errors import RecipeError
from trainwell.recipe import Recipe

N, C, H, W = 12, 3, 8, 10
IMAGES = torch.randn(N, C, H, W, generator=torch.Generator().manual_seed(0))
CLASSES = torch.arange(N) % 4


def _generator(seed=5):
    return torch.Generator().manual_seed(seed)


def _made(names, *, kind="image", task="multiclass", width=4, seed=5, **keywords):
    recipe = Recipe(augmentation=names).augmentation
    return augment.augmentation(recipe, task=task, input_kind=kind, width=width, generator=_generator(seed), **keywords)


def test_a_crop_is_a_window_of_the_padded_image():
    generator = _generator()
    top, left = (torch.randint(5, (N,), generator=generator) for _ in range(2))
    padded = np.pad(IMAGES.numpy(), ((0, 0), (0, 0), (2, 2), (2, 2)))
    expected = [padded[i, :, t : t + H, s : s + W] for i, (t, s) in enumerate(zip(top, left, strict=True))]
    assert np.array_equal(augment.crop(IMAGES, 2, _generator()), np.stack(expected))


def test_a_flip_mirrors_the_share_of_images_it_should():
    flipped = augment.flip(IMAGES, 0.5, _generator())
    mirrored = [torch.equal(a, b.flip(-1)) for a, b in zip(flipped, IMAGES, strict=True)]
    same = [torch.equal(a, b) for a, b in zip(flipped, IMAGES, strict=True)]
    assert all(m != s for m, s in zip(mirrored, same, strict=True))
    assert 0 < sum(mirrored) < N
    assert torch.equal(augment.flip(IMAGES, 1.0, _generator()), IMAGES.flip(-1))


def test_a_rotation_is_that_of_scipy():
    angles = (2 * torch.rand(N, generator=_generator()) - 1) * 30
    expected = [
        ndimage.rotate(image, float(angle), axes=(2, 1), reshape=False, order=1, mode="grid-constant")
        for image, angle in zip(IMAGES.numpy(), angles, strict=True)
    ]
    # float32 interpolation weights of values near 3
    assert np.allclose(augment.rotate(IMAGES, 30, _generator()), np.stack(expected), atol=2e-5)


def test_color_jitter_is_the_formula_of_torchvision_without_clamping():
    generator = _generator()
    b, c, s = (1 + 0.3 * (2 * torch.rand(N, generator=generator) - 1) for _ in range(3))
    luma = np.array([0.299, 0.587, 0.114])
    for i, jittered in enumerate(augment.color_jitter(IMAGES, 0.3, 0.3, 0.3, _generator())):
        image = IMAGES[i].double().numpy() * float(b[i])
        mean = np.tensordot(luma, image, 1).mean()
        image = float(c[i]) * image + (1 - float(c[i])) * mean
        grey = np.tensordot(luma, image, 1)
        assert np.allclose(jittered, float(s[i]) * image + (1 - float(s[i])) * grey, atol=1e-5)


def test_jitter_of_one_channel_leaves_saturation_out():
    grey = IMAGES[:, :1]
    a, b = (augment.color_jitter(grey, 0.2, 0.2, s, _generator()) for s in (0.0, 0.9))
    assert torch.equal(a, b)


def test_erasing_blanks_one_rectangle_of_the_wanted_area():
    images = torch.ones(400, 2, 32, 32)
    erased = augment.erase(images, 0.5, 0.1, _generator())
    holes = [1 - image for image in erased]
    hit = [hole for hole in holes if hole.any()]
    assert len(hit) == pytest.approx(200, abs=50)  # 5 standard deviations
    for hole in hit:
        rows, columns = hole[0].any(1).nonzero(), hole[0].any(0).nonzero()
        box = (len(rows), len(columns))
        assert hole[0].sum() == math.prod(box)
        assert torch.equal(hole[0], hole[1])
        assert math.prod(box) == pytest.approx(0.1 * 32 * 32, rel=0.15)  # sides are rounded to pixels
    assert any(hole[0, 0].any() for hole in hit)
    assert any(hole[0, -1].any() for hole in hit)


def test_noise_has_its_deviation_and_feature_dropout_its_share():
    table = torch.ones(2000, 50)
    noisy = augment.noise(table, 0.3, _generator()) - 1
    assert noisy.std().item() == pytest.approx(0.3, rel=0.02)  # 6 standard errors
    dropped = augment.feature_dropout(table, 0.2, _generator())
    assert set(dropped.unique().tolist()) == {0, 1}
    assert (dropped == 0).float().mean().item() == pytest.approx(0.2, abs=0.007)


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_mixed_targets_have_the_shares_of_what_was_mixed(name):
    images = torch.eye(4)[CLASSES][:, :, None, None].expand(N, 4, 16, 16)
    batch = Examples(images, CLASSES)
    for seed in range(20):
        mixed = _made(name, seed=seed)(batch)
        # channel k is 1 where the image shows class k, so its mean is the share of that class
        assert torch.allclose(mixed.inputs.mean((2, 3)), mixed.targets, atol=1e-6)
        assert torch.allclose(mixed.targets.sum(1), torch.ones(N))
    assert torch.equal(batch.inputs, images)


def test_cutmix_pastes_one_rectangle():
    mixed, _ = mixing.cutmix(IMAGES, None, 1.0, _generator(3))
    changed = (mixed != IMAGES).any(1).any(0)
    rows, columns = changed.any(1).nonzero()[:, 0], changed.any(0).nonzero()[:, 0]
    assert changed.sum() == len(rows) * len(columns)
    assert 0 < changed.sum() < H * W


def test_mixup_of_numbers_and_labels_mixes_them_too():
    table, numbers = torch.arange(12.0)[:, None], torch.arange(12.0)
    mixed = _made("mixup", kind="table", task="regression")(Examples(table, numbers))
    assert torch.allclose(mixed.inputs[:, 0], mixed.targets)


def test_one_logit_gets_soft_targets_of_one_dimension():
    mixed = _made("mixup", kind="table", task="binary", width=1)(Examples(torch.eye(2)[CLASSES % 2], CLASSES % 2))
    assert mixed.targets.shape == (N,)
    assert torch.allclose(mixed.inputs[:, 1], mixed.targets)


@pytest.mark.parametrize("alpha", [0.2, 0.4, 1.0, 4.0])
def test_the_mixing_weight_has_the_beta_distribution(alpha):
    generator = _generator(1)
    draws = np.array([float(mixing.beta(alpha, generator)) for _ in range(2000)], dtype=np.float64)
    # float32 near 1 puts draws above 1 - 6e-8 on 1: a share of 0.02 for alpha 0.2, below what the test resolves
    assert stats.kstest(draws, stats.beta(alpha, alpha).cdf).pvalue > 1e-3


def test_all_randomness_is_that_of_the_generator():
    names = ["crop", "flip", "rotate", "color-jitter", "erase", "noise", "cutmix"]
    before = torch.get_rng_state()
    a, b, c = (_made(names, seed=seed)(Examples(IMAGES, CLASSES)) for seed in (1, 1, 2))
    assert torch.equal(a.inputs, b.inputs)
    assert torch.equal(a.targets, b.targets)
    assert not torch.equal(a.inputs, c.inputs)
    assert torch.equal(before, torch.get_rng_state())


def test_a_restored_generator_continues_to_the_bit():
    step = _made(["crop", "noise"])
    step(Examples(IMAGES, CLASSES))
    state = step.generator.get_state()
    once = step(Examples(IMAGES, CLASSES))
    step.generator.set_state(state)
    assert torch.equal(once.inputs, step(Examples(IMAGES, CLASSES)).inputs)


def negative(inputs, targets, generator, factor=1.0):
    return -factor * inputs, targets


def not_a_pair(inputs, targets, generator):
    return inputs


def test_a_callable_of_ones_own_is_found_by_its_path():
    part = {"name": f"{__name__}:negative", "arguments": {"factor": 2.0}}
    assert torch.equal(_made([part])(Examples(IMAGES, CLASSES)).inputs, -2 * IMAGES)
    with pytest.raises(RecipeError, match=r"must return \(inputs, targets\), got a Tensor"):
        _made([f"{__name__}:not_a_pair"])(Examples(IMAGES, CLASSES))


@pytest.mark.parametrize(
    ("names", "keywords", "words"),
    [
        (["flip", "crop"], {"kind": "table"}, "flip for tables.*\n.*crop for tables"),
        (["feature-dropout"], {}, "feature-dropout for images"),
        (["noise"], {"kind": "tokens"}, "noise for tokens"),
        (["mixup"], {"task": "custom"}, "mixup for the task custom"),
        (["mixup", "cutmix"], {}, "once, got mixup and cutmix"),
        (["noise"], {"several_inputs": True}, "several inputs"),
        (["no_such_module:thing"], {}, "importable"),
        (["math:no_such_name"], {}, "importable"),
    ],
)
def test_what_does_not_suit_is_refused_before_training(names, keywords, words):
    with pytest.raises(RecipeError, match=words):
        _made(names, **keywords)


def test_no_augmentation_is_none():
    assert _made([]) is None
