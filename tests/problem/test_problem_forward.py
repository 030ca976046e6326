"""Models, their knobs and their outputs."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from trainwell.data import Examples
from trainwell.errors import ProblemError, RecipeError
from trainwell.problem import models
from trainwell.problem.factory import build, knobs
from trainwell.problem.forward import call, check_output, evaluating, read_outputs

X = torch.randn(2, 6)


def _targets(task):
    return {
        "multiclass": torch.tensor([0, 2]),
        "binary": torch.tensor([0, 1]),
        "multilabel": torch.zeros(2, 3),
        "regression": torch.zeros(2),
    }[task]


@pytest.mark.parametrize(
    ("task", "width", "right"),
    [
        ("multiclass", 3, True),
        ("multiclass", 4, True),
        ("multiclass", 2, False),
        ("binary", 1, True),
        ("binary", 2, True),
        ("binary", 3, False),
        ("multilabel", 3, True),
        ("multilabel", 1, False),
        ("regression", 1, True),
        ("regression", 2, False),
    ],
)
def test_the_output_must_suit_the_targets(task, width, right):
    model, batch = nn.Linear(6, width), Examples(X, _targets(task))
    if right:
        assert check_output(model, batch, task, 3) == (2, width)
    else:
        with pytest.raises(ProblemError, match=rf"got shape \(2, {width}\)"):
            check_output(model, batch, task, 3)


def test_a_model_that_fails_on_the_inputs_says_their_shape():
    with pytest.raises(ProblemError, match=r"inputs \(2, 6\) float32, got RuntimeError"):
        check_output(nn.Linear(5, 3), Examples(X, _targets("multiclass")), "multiclass", 3)


def test_whole_numbers_for_a_linear_layer_say_what_they_are_taken_for():
    with pytest.raises(ProblemError, match=r"astype\('float32'\)"):
        check_output(nn.Linear(6, 3), Examples(X.long(), _targets("multiclass")), "multiclass", 3)


def test_evaluating_restores_each_modules_mode():
    model = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(6))
    model[1].eval()
    with evaluating(model):
        assert not model.training
        assert not torch.is_grad_enabled()
    assert (model.training, model[0].training, model[1].training) == (True, True, False)


def test_inputs_are_passed_as_they_are_built():
    class Two(nn.Module):
        def forward(self, a, b):
            return a - b

    assert torch.equal(call(Two(), (X, X)), torch.zeros(2, 6))
    assert torch.equal(call(Two(), {"b": X, "a": X}), torch.zeros(2, 6))


@pytest.mark.parametrize(
    "returned",
    [
        {"loss": torch.tensor(1.0), "logits": X},
        SimpleNamespace(loss=torch.tensor(1.0), logits=X),
        (torch.tensor(1.0), X),
    ],
)
def test_loss_and_scores_are_read_off_what_models_return(returned):
    outputs = read_outputs(returned, own_loss=True)
    assert outputs.loss == 1
    assert torch.equal(outputs.scores, X)


def test_a_bare_tensor_is_the_scores_or_the_loss():
    assert torch.equal(read_outputs(X).scores, X)
    assert read_outputs(torch.tensor(2.0), own_loss=True).loss == 2
    with pytest.raises(ProblemError, match="got str"):
        read_outputs("scores")


def test_knobs_are_the_keywords_of_the_factory():
    assert knobs(partial(models.mlp, 6, 3, width=32)) == {
        "width": 32, "depth": 1, "activation": "relu", "dropout": 0.0, "norm": "none",
    }  # fmt: skip
    assert build(partial(models.mlp, 6, 3), {"width": 5})[0].out_features == 5


def test_unknown_knobs_are_all_named_with_the_nearest():
    with pytest.raises(RecipeError) as error:
        build(partial(models.mlp, 6, 3), {"widht": 5, "dropuot": 0.1})
    assert "Did you mean 'width'" in str(error.value)
    assert "Did you mean 'dropout'" in str(error.value)
    with pytest.raises(RecipeError, match="which has none"):
        build(lambda: nn.Linear(1, 1), {"width": 5})


def test_a_factory_that_takes_any_keyword_gets_it():
    assert isinstance(build(lambda **keywords: nn.Linear(**keywords), {"in_features": 1, "out_features": 2}), nn.Linear)


def test_a_factory_that_fails_or_builds_no_module_is_told():
    with pytest.raises(ProblemError, match=r"\(p=3\), got ValueError"):
        build(nn.Dropout, {"p": 3})
    with pytest.raises(ProblemError, match="got int"):
        build(lambda: 3, {})


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_networks_give_one_score_per_class(norm, dropout):
    assert models.mlp(6, 3, depth=2, norm=norm, dropout=dropout)(X).shape == (2, 3)
    assert models.cnn(1, 28, 10, norm=norm, dropout=dropout)(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    assert models.linear(6, 3)(X).shape == (2, 3)


def test_the_transformer_does_not_look_ahead():
    model = models.char_transformer(7, 12).eval()
    tokens = torch.randint(7, (2, 12), generator=torch.Generator().manual_seed(0))
    changed = tokens.clone()
    changed[:, 8] = (changed[:, 8] + 1) % 7
    difference = (model(tokens) - model(changed)).abs().amax((0, 2))
    assert difference[:8].max() < 1e-6
    assert difference[8:].min() > 1e-4


@pytest.mark.parametrize(
    ("model", "values", "words"),
    [
        (partial(models.mlp, 6, 3), {"width": 0}, "model.width"),
        (partial(models.mlp, 6, 3), {"depth": -1}, "model.depth"),
        (partial(models.mlp, 6, 3), {"dropout": 1.0}, "model.dropout"),
        (partial(models.mlp, 6, 3), {"activation": "rleu"}, "Did you mean 'relu'"),
        (partial(models.cnn, 1, 28, 3), {"norm": "btach"}, "Did you mean 'batch'"),
        (partial(models.char_transformer, 7, 12), {"width": 10}, "multiple of heads"),
    ],
)
def test_bad_knobs_of_built_in_networks_say_their_field(model, values, words):
    with pytest.raises(ProblemError, match=words):
        build(model, values)


def test_a_dict_without_scores_is_not_called_a_loss():
    class Odd(nn.Linear):
        def forward(self, x):
            return {"states": super().forward(x)}

    batch = Examples(torch.zeros(2, 4), torch.zeros(2, dtype=torch.int64))
    with pytest.raises(ProblemError, match="`model` must return its scores, got neither scores nor a loss"):
        check_output(Odd(4, 3), batch, "multiclass", 3)
