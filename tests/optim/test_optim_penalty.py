"""Penalties, max-norm, noise and SAM against autograd and closed forms."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwell.optim.penalty import add_gradient_noise, add_penalty_gradient, penalty, project_rows
from trainwell.optim.sam import perturb, restore

SHAPES = [(4, 3), (5,), (2, 3, 2, 2)]


def tensors(seed=0, runs=None):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(s if runs is None else (runs, *s), generator=generator) for s in SHAPES]


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 2), st.floats(0, 2))
def test_the_gradient_of_the_penalty_is_autograds(l1, l2):
    params = [p.requires_grad_() for p in tensors()]
    oracle = sum(l1 * p.abs().sum() + l2 / 2 * p.square().sum() for p in params)
    expected = torch.autograd.grad(oracle, params)
    grads = [torch.ones_like(p) for p in params]
    add_penalty_gradient(grads, params, l1, l2)
    torch.testing.assert_close(penalty([p.detach() for p in params], l1, l2), oracle.detach())
    for g, e in zip(grads, expected, strict=True):
        torch.testing.assert_close(g, e + 1)


def test_lasso_has_no_gradient_at_zero():
    grads = [torch.zeros(2)]
    add_penalty_gradient(grads, [torch.tensor([0.0, -3.0])], l1=0.5)
    assert grads[0].tolist() == [0.0, -0.5]


def test_a_stack_has_its_own_penalty_in_each_run():
    params, l1, l2 = tensors(runs=3), torch.tensor([0.0, 0.1, 0.2]), torch.tensor([0.3, 0.0, 0.1])
    grads = [torch.zeros_like(p) for p in params]
    add_penalty_gradient(grads, params, l1, l2)
    values = penalty(params, l1, l2, stacked=True)
    for run in range(3):
        alone = [p[run] for p in params]
        expected = [torch.zeros_like(p) for p in alone]
        add_penalty_gradient(expected, alone, l1[run].item(), l2[run].item())
        torch.testing.assert_close(values[run], penalty(alone, l1[run].item(), l2[run].item()))
        for g, e in zip(grads, expected, strict=True):
            torch.testing.assert_close(g[run], e)


@settings(max_examples=15, deadline=None)
@given(st.floats(0.01, 5))
def test_rows_are_projected_as_by_renorm(limit):
    params = tensors()
    expected = [torch.renorm(p, 2, 0, limit) if p.ndim > 1 else p.clone() for p in params]
    project_rows(params, limit)
    for p, e in zip(params, expected, strict=True):
        torch.testing.assert_close(p, e, rtol=1e-5, atol=1e-6)


def test_projection_leaves_zero_rows_and_treats_each_run_of_a_stack():
    params, alone = tensors(runs=2), [p.clone() for p in tensors(runs=2)]
    params[0][0, 0] = alone[0][0, 0] = 0
    project_rows(params, 0.7, stacked=True)
    for run in range(2):
        one = [p[run] for p in alone]
        project_rows(one, 0.7)
        assert all(torch.equal(p[run], o) for p, o in zip(params, one, strict=True))


def test_gradient_noise_has_the_variance_of_the_paper_and_comes_from_its_generator():
    draws = []
    for _ in range(2):
        grads = [torch.zeros(100, 200), torch.zeros(7)]
        add_gradient_noise(grads, 9, 0.3, torch.Generator().manual_seed(1))
        draws.append(grads)
    assert torch.equal(draws[0][0], draws[1][0])
    assert draws[0][0].var().item() == pytest.approx(0.3 / 10**0.55, rel=0.05)  # 20,000 draws: 1 % standard error
    assert draws[0][0].mean().item() == pytest.approx(0, abs=0.01)


def test_sam_goes_to_the_worst_point_of_a_linear_loss_and_back():
    params, slope = tensors(), tensors(seed=1)
    before = [p.clone() for p in params]
    loss = lambda: sum((p * s).sum() for p, s in zip(params, slope, strict=True))  # noqa: E731
    start = loss()
    originals = perturb(params, slope, rho=0.5)
    # on a linear loss the rise over a ball of radius rho is rho * |gradient|
    norm = torch.cat([s.flatten() for s in slope]).norm()
    torch.testing.assert_close(loss() - start, 0.5 * norm, rtol=1e-4, atol=1e-4)
    restore(params, originals)
    assert all(torch.equal(p, b) for p, b in zip(params, before, strict=True))


def test_sam_stays_where_the_gradient_is_zero():
    params = tensors()
    before = [p.clone() for p in params]
    perturb(params, [torch.zeros_like(p) for p in params], rho=0.5)
    assert all(torch.equal(p, b) for p, b in zip(params, before, strict=True))
