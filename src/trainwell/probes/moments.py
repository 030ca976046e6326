"""Moments of tensors on their way in: inputs of the first layer, scores and targets at a loss."""

from __future__ import annotations

import math
from typing import Any

import torch

MOST = 400_000


def is_grid(values: torch.Tensor) -> bool:
    """Whether rows of up to three columns are points of a grid, drawn up for a picture: equal steps in each column."""
    if values.ndim != 2 or not 1 <= values.shape[1] <= 3 or not 20 <= len(values) <= MOST:
        return False
    for column in values.detach().float().T:
        steps = torch.unique(column).diff()
        steps = steps[steps > 1e-5 * steps.max()] if len(steps) else steps  # the same value, rounded otherwise
        if len(steps) < 4 or float(steps.max() - steps.min()) > 0.02 * float(steps.mean()):
            return False
    return True


def of_inputs(values: torch.Tensor) -> dict[str, Any]:
    """Range, mean and deviation of inputs; per feature (or channel) where there are several rows."""
    values = values.detach()
    facts: dict[str, Any] = {"shape": list(values.shape), "dtype": str(values.dtype).removeprefix("torch.")}
    if values.numel() and not values.is_floating_point() and not values.is_complex():
        facts["largest"] = int(values.max())
    if not values.is_floating_point() or values.numel() == 0:
        return facts
    if values.numel() > MOST and values.ndim:
        values = values[: max(1, MOST // max(1, math.prod(values.shape[1:])))]
    values = values.float()
    finite = torch.isfinite(values)
    bad = int((~finite).sum())
    facts["non_finite"] = bad
    if bad:
        values = values[finite] if values.ndim < 2 else torch.where(finite, values, torch.zeros_like(values))
    facts |= {
        "min": float(values.min()),
        "max": float(values.max()),
        "mean": float(values.mean()),
        "std": float(values.std(unbiased=False)),
        "rows": len(values) if values.ndim > 1 else 1,
        "values": values.numel(),
        "zeros": float((values == 0).float().mean()),
        "whole": bool((values == values.round()).all()),
    }
    if values.ndim == 2 and len(values) > 1:
        deviation = values.std(0, unbiased=False)
    elif values.ndim == 4 and len(values) > 1:
        deviation = values.transpose(0, 1).reshape(values.shape[1], -1).std(1, unbiased=False)
    else:
        return facts
    varying = deviation[deviation > 1e-12]
    if len(varying):
        facts["feature_std_min"], facts["feature_std_max"] = float(varying.min()), float(varying.max())
    facts["constant_share"] = 1 - len(varying) / max(1, len(deviation))
    if len(values) > 1:
        facts["same_rows"] = bool((values == values[:1]).all())
    return facts


def of_scores(values: torch.Tensor) -> dict[str, Any]:
    """What a loss gets as prediction: range, and whether rows are probabilities."""
    values = values.detach().float()
    if values.numel() == 0:
        return {}
    facts: dict[str, Any] = {"min": float(values.min()), "max": float(values.max())}
    if values.ndim > 1 and facts["min"] >= 0 and facts["max"] <= 1:
        total = values.sum(1)
        facts["rows_sum_to_one"] = bool(((total - 1).abs() < 1e-3).all())
    return facts


def of_targets(values: torch.Tensor) -> dict[str, Any]:
    """What a loss gets as target: range, whether whole numbers, how many distinct."""
    values = values.detach()
    if values.numel() == 0:
        return {}
    if values.numel() > 50_000:
        values = values.reshape(-1)[:50_000]
    if values.dtype == torch.bool:
        values = values.to(torch.uint8)
    facts: dict[str, Any] = {"min": float(values.min()), "max": float(values.max())}
    if values.is_floating_point():
        values = values.float()
        facts["integral"] = bool((values == values.round()).all())
        facts["sum"], facts["squares"] = float(values.double().sum()), float(values.double().pow(2).sum())
        facts["non_finite"] = int((~torch.isfinite(values)).sum())
    else:
        facts["integral"] = True
    facts["distinct"] = len(torch.unique(values.reshape(-1)[:4096]))
    facts["count"] = values.numel()
    return facts
