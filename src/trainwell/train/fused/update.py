"""The update of the rows of a block, by torch's own fused kernel where there is one, else by the pure rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from trainwell.optim.rules.adagrad import Adagrad
from trainwell.optim.rules.adam import Adam
from trainwell.optim.rules.rule import Rule, State
from trainwell.optim.rules.sgd import SGD
from trainwell.train.fused.tensors import Block

Setting = tuple[float, ...]


@torch.no_grad()
def update_(block: Block, multipliers: Sequence[float], step: int) -> None:
    """Update the parameters of a block in place.

    Args:
        block: With its gradients.
        multipliers: Of the base rates in this step, one a run.
        step: Updates done before.
    """
    values, gradients = block.updated()
    if block.state is None:
        block.state = block.group.rule.init(values, block.group.hyper)
    kernel = _KERNELS.get(type(block.group.rule))
    if kernel is None or values[0].device.type != "cpu" or values[0].dtype != torch.float32:
        at = torch.tensor(multipliers, dtype=torch.float64, device=values[0].device)
        block.group.rule.update_(gradients, block.state, values, block.group.at(at), step)
        return
    call, names = kernel
    settings = list(zip(*(block.settings[name] for name in names), strict=True))
    rates = [base * m for base, m in zip(block.settings["lr"], multipliers, strict=True)]
    if len(set(rates)) == 1 and len(set(settings)) == 1:
        call(block.group.rule, values, gradients, block.state, rates[0], settings[0], step)
        return
    alike: dict[tuple[float, Setting], list[int]] = {}
    for k, key in enumerate(zip(rates, settings, strict=True)):
        alike.setdefault(key, []).append(k)
    value_rows, gradient_rows = values[0].unbind(0), gradients[0].unbind(0)
    state_rows = {name: tensors[0].unbind(0) for name, tensors in block.state.items()}
    for (rate, setting), runs in alike.items():
        call(
            block.group.rule,
            [value_rows[k] for k in runs],
            [gradient_rows[k] for k in runs],
            {name: [rows[k] for k in runs] for name, rows in state_rows.items()},
            rate,
            setting,
            step,
        )


Kernel = Callable[[Rule, list[Tensor], list[Tensor], State, float, Setting, int], None]


def _adam(
    rule: Rule, values: list[Tensor], gradients: list[Tensor], state: State, lr: float, setting: Setting, step: int
) -> None:
    assert isinstance(rule, Adam)
    weight_decay, beta1, beta2, eps = setting
    kernel = torch._fused_adamw_ if rule.decoupled else torch._fused_adam_
    kernel(
        values,
        gradients,
        state["exp_avg"],
        state["exp_avg_sq"],
        state["max_exp_avg_sq"] if rule.amsgrad else [],
        [torch.tensor(step + 1.0)] * len(values),
        lr=lr,
        beta1=beta1,
        beta2=beta2,
        weight_decay=weight_decay,
        eps=eps,
        amsgrad=rule.amsgrad,
        maximize=False,
    )


def _sgd(
    rule: Rule, values: list[Tensor], gradients: list[Tensor], state: State, lr: float, setting: Setting, step: int
) -> None:
    assert isinstance(rule, SGD)
    weight_decay, momentum, dampening = setting
    torch._fused_sgd_(
        values,
        gradients,
        state["momentum_buffer"] if momentum else [],
        weight_decay=weight_decay,
        momentum=momentum,
        lr=lr,
        dampening=dampening,
        nesterov=rule.nesterov and momentum > 0,
        maximize=False,
        is_first_step=step == 0,
    )


def _adagrad(
    rule: Rule, values: list[Tensor], gradients: list[Tensor], state: State, lr: float, setting: Setting, step: int
) -> None:
    weight_decay, lr_decay, eps = setting
    torch._fused_adagrad_(
        values,
        gradients,
        state["sum"],
        [torch.tensor(step + 1.0)] * len(values),
        lr=lr,
        lr_decay=lr_decay,
        weight_decay=weight_decay,
        eps=eps,
        maximize=False,
    )


_KERNELS: dict[type[Rule], tuple[Kernel, tuple[str, ...]]] = {
    Adam: (_adam, ("weight_decay", "beta1", "beta2", "eps")),
    SGD: (_sgd, ("weight_decay", "momentum", "dampening")),
    Adagrad: (_adagrad, ("weight_decay", "lr_decay", "eps")),
}
