"""Where a program stores a loss with its graph, by its source."""

from __future__ import annotations

import ast

from trainwell.probes.place import Site
from trainwell.probes.source import called, scope_of, statements, tree_of

_COPIES = ("item", "detach", "tolist", "numpy", "backward", "scale")
_READS = ("float", "int", "print", "str", "format", "round", "isnan", "isfinite", "isinf")


def kept_at(backward: Site) -> Site | None:
    """The first statement around a backward call that puts its loss, as it is, into a total, a list or an attribute."""
    tree = tree_of(backward[0])
    if tree is None:
        return None
    scope = scope_of(tree, backward[1])
    names = _losses(scope, backward[1])
    found = [
        node.lineno
        for node in statements(scope)
        if isinstance(node, ast.stmt) and names and any(_holds(value, names) for value in _stored(node))
    ]
    return (backward[0], min(found)) if found else None


def _losses(scope: ast.AST, line: int) -> set[str]:
    """Names on which a backward pass is called at a line."""
    for node in statements(scope):
        if isinstance(node, ast.Call) and called(node) == "backward" and node.lineno <= line <= (node.end_lineno or 0):
            parts = [node.func.value, *node.args] if isinstance(node.func, ast.Attribute) else node.args
            return {n.id for part in parts for n in ast.walk(part) if isinstance(n, ast.Name) and n.id != "self"}
    return set()


def _stored(node: ast.stmt) -> list[ast.expr]:
    """What a statement puts into something that may outlive the step."""
    if isinstance(node, ast.AugAssign):
        return [node.value]
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute | ast.Subscript):
        return [node.value]
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        total = node.targets[0].id  # total = total + loss
        reads = {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
        return [node.value] if isinstance(node.value, ast.BinOp) and total in reads and len(reads) > 1 else []
    if (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and called(node.value) not in (*_COPIES, *_READS)
    ):
        return [*node.value.args, *(k.value for k in node.value.keywords)]
    return []


def _holds(value: ast.AST, names: set[str]) -> bool:
    """Whether an expression holds one of the names itself, not a number read from it."""
    if isinstance(value, ast.Name):
        return value.id in names
    if isinstance(value, ast.Call) and called(value) in (*_COPIES, *_READS):
        return False
    if isinstance(value, ast.JoinedStr | ast.Compare | ast.Lambda):
        return False
    return any(_holds(child, names) for child in ast.iter_child_nodes(value))
