"""Recurrent layers in plain tensor operations: `vmap` knows none of torch's kernels for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

State = tuple[Tensor, ...]


def unrolled(model: nn.Module) -> nn.Module:
    """Let every `nn.RNN`, `nn.GRU` and `nn.LSTM` of a model compute step by step; the same parameters and results.

    Args:
        model: Changed in place.
    """
    for module in model.modules():
        if type(module) in _KINDS:
            module.__class__ = _KINDS[type(module)]
    return model


class _Unrolled:
    """`forward` of `nn.RNNBase`, layer by layer and step by step."""

    def forward(self: Any, sequence: Any, hx: Any = None) -> Any:
        if not isinstance(sequence, Tensor):
            raise TypeError("a packed sequence cannot be vectorised")
        batched = sequence.dim() == 3
        x = sequence if batched else sequence.unsqueeze(1)
        if batched and self.batch_first:
            x = x.transpose(0, 1)
        states = self._first_states(x, hx, batched)
        directions = 2 if self.bidirectional else 1
        ends: list[State] = []
        for layer in range(self.num_layers):
            parts = []
            for direction in range(directions):
                output, end = self._run(layer, direction, x, states[layer * directions + direction])
                parts.append(output)
                ends.append(end)
            x = parts[0] if directions == 1 else torch.cat(parts, -1)
            if self.dropout and layer < self.num_layers - 1:
                x = F.dropout(x, self.dropout, self.training)
        last = tuple(torch.stack(list(column)) for column in zip(*ends, strict=True))
        if not batched:
            x, last = x.squeeze(1), tuple(t.squeeze(1) for t in last)
        elif self.batch_first:
            x = x.transpose(0, 1)
        return x, last if len(last) > 1 else last[0]

    def _first_states(self: Any, x: Tensor, hx: Any, batched: bool) -> list[State]:
        lstm = isinstance(self, nn.LSTM)
        count = self.num_layers * (2 if self.bidirectional else 1)
        if hx is not None:
            given = hx if lstm else (hx,)
            given = given if batched else tuple(t.unsqueeze(1) for t in given)
            return [tuple(t[i] for t in given) for i in range(count)]
        sizes = [self.proj_size or self.hidden_size] + ([self.hidden_size] if lstm else [])
        return [tuple(x.new_zeros(x.shape[1], size) for size in sizes)] * count

    def _run(self: Any, layer: int, direction: int, x: Tensor, state: State) -> tuple[Tensor, State]:
        end = f"_l{layer}{'_reverse' if direction else ''}"
        w_hh = getattr(self, "weight_hh" + end)
        b_ih, b_hh = (getattr(self, name + end) if self.bias else None for name in ("bias_ih", "bias_hh"))
        w_hr = getattr(self, "weight_hr" + end) if self.proj_size else None
        gates = F.linear(x, getattr(self, "weight_ih" + end), b_ih)  # all steps at once
        outputs: list[Tensor] = []
        order = range(len(x) - 1, -1, -1) if direction else range(len(x))
        for t in order:
            state = self._cell(gates[t], F.linear(state[0], w_hh, b_hh), state, w_hr)
            outputs.append(state[0])
        return torch.stack(outputs[::-1] if direction else outputs), state


class _LSTM(_Unrolled, nn.LSTM):
    def _cell(self, inputs: Tensor, recurrent: Tensor, state: State, w_hr: Tensor | None) -> State:
        i, f, g, o = (inputs + recurrent).chunk(4, -1)
        c = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        return (h if w_hr is None else F.linear(h, w_hr), c)


class _GRU(_Unrolled, nn.GRU):
    def _cell(self, inputs: Tensor, recurrent: Tensor, state: State, w_hr: Tensor | None) -> State:
        (ir, iz, ig), (hr, hz, hg) = inputs.chunk(3, -1), recurrent.chunk(3, -1)
        r, z = torch.sigmoid(ir + hr), torch.sigmoid(iz + hz)
        g = torch.tanh(ig + r * hg)
        return (g + z * (state[0] - g),)


class _RNN(_Unrolled, nn.RNN):
    def _cell(self, inputs: Tensor, recurrent: Tensor, state: State, w_hr: Tensor | None) -> State:
        act: Callable[[Tensor], Tensor] = torch.tanh if self.nonlinearity == "tanh" else torch.relu
        return (act(inputs + recurrent),)


_KINDS: dict[type, type] = {nn.LSTM: _LSTM, nn.GRU: _GRU, nn.RNN: _RNN}
