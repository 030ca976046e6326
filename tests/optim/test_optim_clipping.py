"""Clipping against torch.nn.utils and by hand."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwell.optim.clipping import (
    AdaptiveClipping,
    clip_by_norm,
    clip_by_value,
    clip_runs_by_norm,
    clip_runs_by_norm_,
    clipper_of,
    total_norm,
)
from trainwell.recipe.parts import Clipping


def gradients(seed=0, runs=None):
    generator = torch.Generator().manual_seed(seed)
    shapes = [(4, 3), (5,), ()]
    return [torch.randn(s if runs is None else (runs, *s), generator=generator) for s in shapes]


def as_parameters(grads):
    parameters = [torch.zeros_like(g, requires_grad=True) for g in grads]
    for p, g in zip(parameters, grads, strict=True):
        p.grad = g.clone()
    return parameters


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(1e-3, 20))
def test_clipping_by_norm_equals_torch(seed, limit):
    grads = gradients(seed)
    parameters = as_parameters(grads)
    expected = torch.nn.utils.clip_grad_norm_(parameters, limit)
    torch.testing.assert_close(clip_by_norm(grads, limit), expected)
    for g, p in zip(grads, parameters, strict=True):
        torch.testing.assert_close(g, p.grad)


@settings(max_examples=10, deadline=None)
@given(st.floats(1e-3, 3))
def test_clipping_by_value_equals_torch_and_returns_the_norm_before(limit):
    grads = gradients()
    parameters, norm = as_parameters(grads), total_norm(grads)
    torch.nn.utils.clip_grad_value_(parameters, limit)
    assert torch.equal(clip_by_value(grads, limit), norm)
    assert all(torch.equal(g, p.grad) for g, p in zip(grads, parameters, strict=True))


def test_a_norm_below_the_limit_changes_no_bit():
    grads = gradients()
    before = copy.deepcopy(grads)
    clip_by_norm(grads, 1e6)
    assert all(torch.equal(a, b) for a, b in zip(grads, before, strict=True))


def test_a_norm_that_is_not_finite_shows_in_every_gradient_as_in_torch():
    grads = gradients()
    grads[0][0, 0] = float("nan")
    assert clip_by_norm(grads, 1.0).isnan()
    assert all(g.isnan().all() for g in grads)


def test_gradients_of_several_formats_have_one_norm():
    grads = [torch.full((3,), 2.0, dtype=torch.bfloat16), torch.full((1,), 2.0)]
    assert total_norm(grads).item() == pytest.approx(4.0, rel=2**-8)  # bfloat16


@settings(max_examples=10, deadline=None)
@given(st.floats(1, 99), st.integers(3, 30))
def test_adaptive_clipping_clips_at_the_percentile_of_its_history(percentile, window):
    clipping, history = AdaptiveClipping(percentile, window), []
    for step in range(40):
        grads = [g * (1 + step % 7) for g in gradients(step)]
        before = copy.deepcopy(grads)
        norm = clipping(grads)
        history.append(norm.item())
        limit = np.percentile(history[-window:], percentile, method="inverted_cdf")
        clip_by_norm(before, limit)
        for g, expected in zip(grads, before, strict=True):
            torch.testing.assert_close(g, expected)


def test_adaptive_clipping_does_not_remember_norms_that_are_not_finite():
    clipping = AdaptiveClipping(50.0)
    for value in (1.0, float("nan"), float("inf"), 3.0, 9.0):
        last = [torch.tensor([value])]
        clipping(last)
    assert last[0].item() == pytest.approx(1.0, rel=1e-5)  # the median of 1, 1, 1, 3, 9


def test_adaptive_clipping_resumes_to_the_bit():
    whole, first, second = (AdaptiveClipping(70.0, window=5) for _ in range(3))
    for step in range(12):
        a, b = gradients(step), gradients(step)
        whole(a)
        if step == 7:
            second.load_state_dict(copy.deepcopy(first.state_dict()))
        (first if step < 7 else second)(b)
        assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("name", ["none", "norm", "value", "adaptive"])
def test_every_clipping_of_a_recipe_returns_the_norm_before(name):
    grads = gradients()
    expected = total_norm(grads)
    assert torch.equal(clipper_of(Clipping(name=name, limit=0.1))(grads), expected)
    assert (total_norm(grads) < 0.99 * expected) == (name in ("norm", "value"))


def test_each_run_of_a_stack_is_clipped_by_its_own_norm():
    grads, limits = gradients(runs=3), torch.tensor([0.5, float("inf"), 2.0])
    clipped, norms = clip_runs_by_norm(grads, limits)
    for run, limit in enumerate(limits.tolist()):
        alone = [g[run].clone() for g in grads]
        torch.testing.assert_close(clip_by_norm(alone, limit), norms[run])
        for g, expected in zip(clipped, alone, strict=True):
            torch.testing.assert_close(g[run], expected)
    assert torch.equal(clip_runs_by_norm_(grads, limits), norms)
    assert all(torch.equal(a, b) for a, b in zip(grads, clipped, strict=True))


def test_a_run_that_is_not_finite_is_not_seen_by_the_others():
    grads = gradients(runs=2)
    grads[0][0] = float("nan")
    clipped, norms = clip_runs_by_norm(grads, 0.1)
    assert norms[0].isnan()
    assert all(g[1].isfinite().all() for g in clipped)
