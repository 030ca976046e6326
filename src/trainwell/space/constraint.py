"""Constraints between fields, as text: `optimizer.lr * batch_size < 10`."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

_BINARY: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARE: dict[type[ast.AST], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_ALLOWED = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp, ast.Compare,
    ast.Name, ast.Attribute, ast.Constant, ast.Load, *_BINARY, *_COMPARE,
)  # fmt: skip


def mistake(text: str) -> str:
    """What is wrong with a constraint; empty where nothing is."""
    shape = "must be a comparison of fields such as 'optimizer.lr * batch_size < 10'"
    if not isinstance(text, str):
        return f"`constraints` {shape}, got {text!r}"
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return f"`constraints` {shape}, got '{text}'"
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            known = "+ - * / < <= > >= == != and or not"
            return f"`constraints` {shape}, got '{text}' with {type(node).__name__}. Use {known}"
    is_claim = isinstance(tree.body, ast.Compare | ast.BoolOp | ast.UnaryOp)
    return "" if is_claim else f"`constraints` {shape}, got '{text}'"


def paths(text: str) -> list[str]:
    """The fields that a constraint names."""
    return sorted(set(_paths(ast.parse(text, mode="eval"))))


def holds(text: str, changes: Mapping[str, Any]) -> bool:
    """Whether changes keep a constraint; one that names a field which is not set is kept."""
    tree = ast.parse(text, mode="eval")
    if any(path not in changes for path in _paths(tree)):
        return True
    return bool(_value(tree.body, changes))


def _paths(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Name | ast.Attribute):
        return [ast.unparse(node)]
    return [path for inner in ast.iter_child_nodes(node) for path in _paths(inner)]


def _value(node: ast.AST, changes: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name | ast.Attribute):
        return changes[ast.unparse(node)]
    if isinstance(node, ast.BoolOp):
        truths = (bool(_value(inner, changes)) for inner in node.values)
        return all(truths) if isinstance(node.op, ast.And) else any(truths)
    if isinstance(node, ast.UnaryOp):
        value = _value(node.operand, changes)
        return (not value) if isinstance(node.op, ast.Not) else -value
    if isinstance(node, ast.BinOp):
        return _BINARY[type(node.op)](_value(node.left, changes), _value(node.right, changes))
    assert isinstance(node, ast.Compare)
    values = [_value(inner, changes) for inner in (node.left, *node.comparators)]
    return all(_COMPARE[type(op)](a, b) for op, a, b in zip(node.ops, values, values[1:], strict=False))
