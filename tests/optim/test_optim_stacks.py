"""A stack of runs planned from recipes is updated as each run's own optimizer would update it."""

import pytest
import torch
from optim_models import mlp, seeded, task
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.nn.functional import cross_entropy

from trainwell.errors import RecipeError
from trainwell.optim.build import build_optimizer, set_lr
from trainwell.optim.stacks import stacked_groups
from trainwell.recipe import optimizers as specs
from trainwell.recipe.parts import Parameters

FAMILIES = {
    "sgd": [specs.SGD(lr=0.1, dampening=0.5), specs.SGD(lr=0.03, momentum=0.9, weight_decay=0.1, dampening=0.5)],
    "adamw": [specs.AdamW(lr=0.01), specs.AdamW(lr=0.003, betas=(0.8, 0.99), weight_decay=0.1)],
    "muon": [specs.Muon(lr=0.02), specs.Muon(lr=0.01, momentum=0.8, adamw_lr=0.01, adamw_weight_decay=0)],
    "adafactor": [specs.Adafactor(lr=0.02), specs.Adafactor(lr=0.01, weight_decay=0.1)],
}
PARTS = [
    Parameters(layer_lr_decay=0.7, overrides=[{"pattern": "5.bias", "weight_decay": 0.2}]),
    Parameters(decay_all=True, overrides=[{"pattern": "3.*", "lr_factor": 2}]),
]


def train_stacked(models, groups, multipliers, steps):
    inputs, classes = task()
    params, buffers = stack_module_state(models)
    params = {name: p.detach() for name, p in params.items()}
    loss = lambda p, b: cross_entropy(functional_call(models[0], (p, b), (inputs,)), classes)  # noqa: E731
    states = [g.rule.init([params[n] for n in g.names], g.hyper) for g in groups]
    for step in range(steps):
        grads = vmap(grad(loss))(params, buffers)
        for group, state in zip(groups, states, strict=True):
            members = [params[n] for n in group.names]
            hyper = group.at(torch.tensor([m(step) for m in multipliers]))
            group.rule.update_([grads[n] for n in group.names], state, members, hyper, step)
    return params


@pytest.mark.parametrize("equal_as_number", [True, False])
@pytest.mark.parametrize("name", FAMILIES)
def test_a_stack_equals_the_optimizers_of_its_runs(name, equal_as_number):
    multipliers = [lambda step: 1 - step / 30, lambda step: 0.5]
    models = [seeded(mlp, seed) for seed in (0, 1)]
    groups = stacked_groups(models[0], FAMILIES[name], PARTS, equal_as_number=equal_as_number)
    together = train_stacked(models, groups, multipliers, steps=20)
    inputs, classes = task()
    for run, model in enumerate(models):
        optimizer = build_optimizer(FAMILIES[name][run], PARTS[run], model)
        for step in range(20):
            set_lr(optimizer, multipliers[run](step))
            optimizer.zero_grad()
            cross_entropy(model(inputs), classes).backward()
            optimizer.step()
        for parameter_name, p in model.named_parameters():
            # float32 over 20 steps; Muon's iteration enlarges what a batched product rounds elsewhere
            tolerance = 2e-2 if name == "muon" else 2e-4
            torch.testing.assert_close(together[parameter_name][run], p.detach(), rtol=tolerance, atol=tolerance)


def test_groups_hold_every_trained_parameter_once_and_can_lose_runs():
    model = mlp()
    groups = stacked_groups(model, FAMILIES["adamw"], PARTS)
    assert sorted(n for g in groups for n in g.names) == sorted(dict(model.named_parameters()))
    by_name = {n: g for g in groups for n in g.names}
    assert by_name["5.bias"].hyper["weight_decay"].tolist() == [0.2, 0.1]
    assert by_name["0.bias"].penalised.tolist() == [0, 1]
    assert by_name["0.weight"].penalised == 1
    one = by_name["3.weight"].select(torch.tensor([1]))
    assert one.hyper["lr"].tolist() == pytest.approx([0.006])
    assert one.at(0.5)["lr"].tolist() == pytest.approx([0.003])


def test_runs_that_freeze_different_parameters_or_have_other_optimizers_are_refused():
    frozen = Parameters(overrides=[{"pattern": "0.*", "freeze": True}])
    with pytest.raises(RecipeError, match="must freeze the same parameters"):
        stacked_groups(mlp(), [specs.AdamW()] * 2, [Parameters(), frozen])
    with pytest.raises(RecipeError, match="must be of one family"):
        stacked_groups(mlp(), [specs.AdamW(), specs.Adam()], [Parameters()] * 2)
