"""Where a value of the user's program was made: followed back through assignments, calls and returns of its source."""

from __future__ import annotations

import ast

from trainwell.probes.place import Site
from trainwell.probes.source import (
    Function,
    assignment,
    called,
    function_named,
    nodes_at,
    parameter,
    passed_to,
    scope_of,
    spelled,
    statements,
    tree_of,
)

_MOVES = ("to", "float", "long", "double", "int", "half", "cuda", "cpu", "type", "astype", "detach", "copy", "clone")
_SHAPES = ("unsqueeze", "squeeze", "reshape", "view", "contiguous", "flatten", "permute", "t", "transpose", "split")
_PASSING = (*_MOVES, *_SHAPES)
_WRAPPERS = ("DataLoader", "TensorDataset", "Subset", "enumerate", "iter", "next", "tqdm", "zip", "list", "cycle")
_CONVERSIONS = ("tensor", "from_numpy", "as_tensor", "FloatTensor", "LongTensor", "asarray", "ascontiguousarray")
_DEEPEST = 16
_Calls = tuple[tuple[str, ast.Call, Site], ...]
"""The user's functions that were entered on the way: name, call, place of the call."""


def given(where: Site) -> Site | None:
    """The last assignment before a line to the name on which a method is called there (`loss.backward()`)."""
    tree = tree_of(where[0])
    if tree is None:
        return None
    for node in nodes_at(tree, where[1], ast.Call):
        function = node.func if isinstance(node, ast.Call) else None
        names = [n.id for n in ast.walk(function) if isinstance(n, ast.Name)] if function is not None else []
        if not names and isinstance(node, ast.Call):
            names = [n.id for n in node.args if isinstance(n, ast.Name)]
        for name in names:
            found = assignment(tree, where, name)
            if found is not None:
                return found[0]
    return None


def origin(where: Site, argument: int = 0, *, of: tuple[str, ...] = (), past_slices: bool = True) -> Site | None:
    """The line that made what a call at a line is given.

    Args:
        where: The line of the call.
        argument: Which of its arguments.
        of: Names of the call; if empty, the innermost call (the outermost with so many arguments, for later ones).
        past_slices: Whether to go on behind a slice to what was sliced.
    """
    tree = tree_of(where[0])
    if tree is None:
        return None
    calls = [n for n in nodes_at(tree, where[1], ast.Call) if isinstance(n, ast.Call) and (n.args or n.keywords)]
    if of:
        calls = [n for n in calls if called(n) in of]
        calls = [n for n in calls if n.lineno == where[1]] or calls
    else:
        calls = [n for n in calls if n.args]
        calls = [n for n in calls if called(n) not in _PASSING]
        calls = [n for n in calls if len(n.args) > argument] if argument else calls[::-1]
    if not calls:
        return None
    call, position = calls[0], 0 if of else argument
    given_first = call.args[position : position + 1] or [k.value for k in call.keywords if k.arg == "dataset"]
    return _follow(given_first[0], where, argument, past_slices) if given_first else None


def argument(where: Site, word: str) -> Site | None:
    """The line that made the value of a keyword argument of a call at a line."""
    tree = tree_of(where[0])
    for node in nodes_at(tree, where[1], ast.Call) if tree is not None else ():
        for given_word in node.keywords if isinstance(node, ast.Call) else ():
            if given_word.arg == word:
                return _follow(given_word.value, where, 0, True)
    return None


def _follow(
    value: ast.expr | None,
    where: Site,
    column: int,
    past_slices: bool,
    element: int | None = None,
    calls: _Calls = (),
    depth: int = 0,
) -> Site:
    """From an expression at a line to the line that made its value.

    Args:
        value: The expression.
        column: Which of the tensors of a data set is meant (0 inputs, 1 labels).
        past_slices: Whether to go on behind a slice.
        element: Which element of the value is meant where it is a tuple.
        calls: The user's functions that were entered, the innermost last.
    """
    tree = tree_of(where[0])
    if value is None or tree is None or depth > _DEEPEST:
        return where
    if isinstance(value, ast.Tuple | ast.List) and element is not None and element < len(value.elts):
        return _follow(value.elts[element], where, column, past_slices, None, calls, depth + 1)
    name = spelled(value)
    if name:
        return _follow_name(name, tree, where, column, past_slices, element, calls, depth)
    if isinstance(value, ast.Subscript):
        if past_slices:
            return _follow(value.value, where, column, past_slices, None, calls, depth + 1)
        chosen = spelled(value.slice)
        found = assignment(tree, where, chosen, before=depth > 0) if chosen else None
        return where if found is None else found[0]
    if not isinstance(value, ast.Call):
        return where
    function, word = value.func, called(value)
    if word in _WRAPPERS and value.args:
        several = word in ("TensorDataset", "zip")
        inner = value.args[min(column, len(value.args) - 1) if several else 0]
        if isinstance(inner, ast.Starred):
            return _follow(inner.value, where, column, past_slices, column, calls, depth + 1)
        return _follow(inner, where, column, past_slices, None, calls, depth + 1)
    if word in _CONVERSIONS and value.args and (spelled(value.args[0]) or isinstance(value.args[0], ast.Subscript)):
        return _follow(value.args[0], where, column, past_slices, None, calls, depth + 1)
    if isinstance(function, ast.Attribute) and function.attr in _PASSING:
        return _follow(function.value, where, column, past_slices, None, calls, depth + 1)
    own = None if word in (name for name, _, _ in calls) else function_named(where[0], word)
    if own is not None:
        file, definition = own
        returns = [n for n in statements(definition) if isinstance(n, ast.Return) and n.value is not None]
        if returns:
            last = max(returns, key=lambda n: n.lineno)
            entered = (*calls, (word, value, where))
            return _follow(last.value, (file, last.lineno), column, past_slices, element, entered, depth + 1)
    return where


def _follow_name(
    name: str,
    tree: ast.Module,
    where: Site,
    column: int,
    past_slices: bool,
    element: int | None,
    calls: _Calls,
    depth: int,
) -> Site:
    found = assignment(tree, where, name, before=depth > 0)
    if found is not None:
        site, inner, position = found
        if isinstance(inner, ast.List) and not inner.elts and position is None:
            return _appended(tree, where, name) or site
        if position is not None and isinstance(inner, ast.Tuple | ast.List) and position < len(inner.elts):
            chosen = inner.elts[position]
            if isinstance(chosen, ast.List) and not chosen.elts and (place := _appended(tree, where, name)) is not None:
                return place
            return _follow(chosen, site, column, past_slices, None, calls, depth + 1)
        if past_slices and column == 1 and position is not None and isinstance(inner, ast.Call):
            parted = inner.args[position // 2] if position // 2 < len(inner.args) else None  # parts come in pairs
            if called(inner) == "train_test_split" and parted is not None and not isinstance(parted, ast.Starred):
                return _follow(parted, site, column, past_slices, None, calls, depth + 1)
        if position is not None and isinstance(inner, ast.Call) and called(inner) not in _WRAPPERS:
            if function_named(site[0], called(inner)) is None:
                return site
            return _follow(inner, site, column, past_slices, position, calls, depth + 1)
        if position is not None:
            column = position
        return _follow(inner, site, column, past_slices, element, calls, depth + 1)
    scope = scope_of(tree, where[1])
    if calls and isinstance(scope, Function) and calls[-1][0] == scope.name:
        _, call, site = calls[-1]
        passed = passed_to(scope, call, name)
        if passed is not None:
            return _follow(passed, site, column, past_slices, element, calls[:-1], depth + 1)
    first = parameter(tree, where, name)
    if first is not None:
        return _follow(first[1], first[0], column, past_slices, element, calls, depth + 1)
    return where


def _appended(tree: ast.Module, where: Site, name: str) -> Site | None:
    """The last line in a scope that appends to a list."""
    for node in sorted(statements(scope_of(tree, where[1])), key=lambda n: -getattr(n, "lineno", 0)):
        if not isinstance(node, ast.Call) or called(node) not in ("append", "extend"):
            continue
        if isinstance(node.func, ast.Attribute) and spelled(node.func.value) == name:
            return where[0], node.lineno
    return None
