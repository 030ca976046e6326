"""Standardising by training statistics."""

from __future__ import annotations

import pytest
import torch
from sklearn.preprocessing import StandardScaler

from trainwell.data import Examples, Scaling, Standardize, fit_targets
from trainwell.data.scaling import moments
from trainwell.errors import ProblemError

torch.manual_seed(0)
TABLE = torch.randn(5000, 4) * torch.tensor([1e-3, 1.0, 1e4, 0.0]) + torch.tensor([0.0, -3.0, 1e6, 7.0])


def test_a_table_is_scaled_as_scikit_learn_does():
    scaled = Scaling.fit(Examples(TABLE), "table").apply(TABLE)
    expected = torch.from_numpy(StandardScaler().fit_transform(TABLE.double().numpy())).float()
    # float32 near 1e6 resolves 0.06 of a deviation of 1e4, about 1e-5 of it
    assert torch.allclose(scaled, expected, atol=2e-5)


def test_a_constant_feature_keeps_its_scale():
    module = Scaling.fit(Examples(TABLE), "table").module
    assert module.deviation[3] == 1
    assert module.mean[3] == 7


def test_images_are_scaled_by_channel():
    images = torch.randn(50, 3, 6, 6) * torch.tensor([1.0, 5.0, 0.1])[:, None, None] + 2
    scaled = Scaling.fit(Examples(images), "image").apply(images)
    assert torch.allclose(scaled.mean((0, 2, 3)), torch.zeros(3), atol=1e-5)
    assert torch.allclose(scaled.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-4)


def test_series_are_scaled_by_their_last_dimension():
    series = torch.randn(50, 7, 2) * torch.tensor([1.0, 9.0])
    assert Scaling.fit(Examples(series), "other").module.mean.shape == (2,)


def test_scaling_can_be_undone_and_saved():
    module = Scaling.fit(Examples(TABLE), "table").module
    assert torch.allclose(module.inverse(module(TABLE)), TABLE)
    twin = Standardize(torch.zeros(4), torch.ones(4))
    twin.load_state_dict(module.state_dict())
    assert torch.equal(twin(TABLE), module(TABLE))


@pytest.mark.parametrize("shape", [(300,), (300, 2)])
def test_targets_are_scaled_by_column(shape):
    targets = torch.randn(shape) * 40 + 150
    module = fit_targets(Examples(torch.zeros(300, 1), targets))
    assert module(targets).shape == targets.shape
    assert torch.allclose(module(targets).std(0, correction=0), torch.ones(shape[1:]), atol=1e-5)


def test_tokens_several_inputs_and_classes_are_refused():
    tokens = torch.zeros(5, 3, dtype=torch.int64)
    with pytest.raises(ProblemError, match="tokens"):
        Scaling.fit(Examples(tokens), "tokens")
    with pytest.raises(ProblemError, match="several inputs"):
        Scaling.fit(Examples((TABLE, TABLE)), "other")
    with pytest.raises(ProblemError, match="real numbers"):
        fit_targets(Examples(TABLE, torch.zeros(5000, dtype=torch.int64)))


def test_moments_do_not_suffer_from_cancellation():
    values = torch.tensor([1e4, 1e4 + 1, 1e4 + 2])[:, None].repeat(5000, 1)
    mean, deviation = moments(values)
    assert mean.item() == pytest.approx(10001)
    assert deviation.item() == pytest.approx((2 / 3) ** 0.5, rel=1e-6)
