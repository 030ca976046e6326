"""Which rate and decay each parameter gets."""

import pytest
import torch
from optim_models import Language, mlp
from torch import nn

from trainwell.errors import ProblemError, RecipeError
from trainwell.optim.groups import divide, freeze, parameter_groups, trained, treatments
from trainwell.recipe.optimizers import AdamW, Muon
from trainwell.recipe.parts import Parameters


def treated(model, **fields):
    return {t.name: t for t in treatments(model, Parameters(**fields))}


def test_only_weights_decay_by_default():
    decaying = {name for name, t in treated(mlp()).items() if t.decays}
    assert decaying == {"0.weight", "3.weight", "5.weight"}


def test_norms_of_any_shape_biases_embeddings_and_tokens_do_not_decay():
    model = nn.ModuleDict(
        {"norm": nn.LayerNorm((3, 2)), "rnn": nn.LSTM(2, 2), "prelu": nn.PReLU(4), "conv": nn.Conv2d(1, 2, 3),
         "bag": nn.EmbeddingBag(3, 2), "group": nn.GroupNorm(1, 4), "rms": nn.RMSNorm(3)}
    )  # fmt: skip
    model.register_parameter("cls_token", nn.Parameter(torch.zeros(1, 1, 4)))
    decaying = {name for name, t in treated(model).items() if t.decays}
    assert decaying == {"rnn.weight_ih_l0", "rnn.weight_hh_l0", "conv.weight"}


def test_decay_all_decays_all():
    assert all(t.decays for t in treated(Language(), decay_all=True).values())


def test_a_tied_parameter_counts_once_under_all_its_names_and_as_an_embedding():
    model = Language()
    found = treated(model)
    assert list(found) == [name for name, _ in model.named_parameters()]
    assert found["tokens.weight"].names == ("tokens.weight", "head.weight")
    assert (found["tokens.weight"].role, found["tokens.weight"].head) == ("embedding", True)


def test_layers_are_blocks_and_norms_join_the_layer_before():
    layers = {name: t.layer for name, t in treated(Language()).items()}
    assert list(dict.fromkeys(layers.values())) == ["", "tokens", "blocks.0", "blocks.1"]
    assert layers["norm.weight"] == "blocks.1"
    assert [t.layer for t in treated(mlp()).values()] == ["0", "0", "0", "0", "3", "3", "5", "5"]


def test_a_wrapper_of_one_child_is_no_list_of_layers():
    wrapped = nn.Sequential(mlp())
    assert {t.layer for t in treated(wrapped).values()} == {"0.0", "0.3", "0.5"}


def test_layer_wise_decay_falls_towards_the_input():
    factors = {t.layer: t.lr_factor for t in treated(mlp(), layer_lr_decay=0.5).values()}
    assert factors == {"0": 0.25, "3": 0.5, "5": 1.0}


def test_overrides_apply_in_order_and_factors_multiply():
    overrides = [
        {"pattern": "*.weight", "lr_factor": 2, "weight_decay": 0.5},
        {"pattern": "5.*", "lr_factor": 3, "weight_decay": 0.1},
        {"pattern": "0.*", "freeze": True},
    ]
    found = treated(mlp(), layer_lr_decay=0.5, overrides=overrides)
    assert (found["5.weight"].lr_factor, found["5.weight"].decay(9.0)) == (6, 0.1)
    assert (found["5.bias"].lr_factor, found["5.bias"].decay(9.0)) == (3, 0.1)
    assert (found["3.weight"].lr_factor, found["3.bias"].decay(9.0)) == (1, 0.0)
    assert [n for n, t in found.items() if t.frozen] == ["0.weight", "0.bias"]


def test_a_pattern_may_name_a_tied_parameter_by_any_name():
    assert treated(Language(), overrides=[{"pattern": "head.*", "lr_factor": 2}])["tokens.weight"].lr_factor == 2


def test_a_pattern_without_a_match_names_the_nearest():
    with pytest.raises(RecipeError, match=r"`parameters.overrides.1.pattern` .*'block\.\*'. Nearest: .*blocks\.\*"):
        treated(Language(), overrides=[{"pattern": "norm.*"}, {"pattern": "block.*", "lr_factor": 2}])


def test_freezing_stops_gradients_and_freezing_all_is_refused():
    model = mlp()
    everything = treatments(model, Parameters(overrides=[{"pattern": "*", "freeze": True}]))
    assert all(p.requires_grad for p in model.parameters())
    freeze(everything)
    assert not any(p.requires_grad for p in model.parameters())
    with pytest.raises(RecipeError, match="must leave a parameter to train"):
        trained(everything)


def test_lazy_parameters_are_refused():
    with pytest.raises(ProblemError, match=r"lazy `0\.weight`"):
        treated(nn.Sequential(nn.LazyLinear(3)))


def test_groups_hold_each_parameter_once_with_its_rate():
    model = mlp()
    groups = parameter_groups(treatments(model, Parameters(layer_lr_decay=0.5)), lr=0.1, weight_decay=0.01)
    members = [p for g in groups for _, p in g["params"]]
    assert {id(p) for p in members} == {id(p) for p in model.parameters()}
    assert len(members) == len(list(model.parameters()))
    assert {(g["base_lr"], g["weight_decay"]) for g in groups} == {
        (rate, decay) for rate in (0.025, 0.05, 0.1) for decay in (0.01, 0.0)
    }
    assert len(parameter_groups(treatments(model, Parameters()), 0.1, 0.0)) == 1


def test_muon_takes_hidden_matrices_and_leaves_the_rest_to_adamw():
    (muon, hidden), (adamw, rest) = divide(Muon(), treatments(Language(), Parameters()))
    assert isinstance(muon, Muon)
    assert {t.name.split(".")[-2] for t in hidden} == {"mix", "rnn"}
    assert adamw == AdamW(lr=3e-3, weight_decay=0.01)
    assert {"tokens.weight", "position_embedding", "norm.weight"} <= {t.name for t in rest}
    with pytest.raises(RecipeError, match="hidden weight matrices"):
        divide(Muon(), treatments(nn.Linear(3, 2), Parameters()))
