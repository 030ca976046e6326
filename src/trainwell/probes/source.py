"""Where the user's source gave a value: a name at a line, followed back through plain assignments."""

from __future__ import annotations

import ast
import functools
import linecache
import re
from collections.abc import Iterator

from trainwell.probes.place import Site, sibling_cells

_WRAPPERS = ("DataLoader", "TensorDataset", "Subset", "enumerate", "iter", "next", "tqdm", "zip", "list", "cycle")
_MOVES = ("to", "float", "long", "double", "int", "half", "cuda", "cpu", "type", "astype", "detach", "copy", "clone")
_SHAPES = ("unsqueeze", "squeeze", "reshape", "view", "contiguous", "flatten", "permute", "t", "transpose", "split")
_PASSING = (*_MOVES, *_SHAPES)
_DEEPEST = 12
_RARE = re.compile(r"f1_?score|\bf1\b|auc|average_precision|balanced_acc|matthews|\bmcc\b|recall|\bweight=")
Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.Module


@functools.cache
def tree_of(name: str) -> ast.Module | None:
    """The syntax tree of a file or cell, None if it cannot be read."""
    try:
        return ast.parse("".join(linecache.getlines(name)))
    except (SyntaxError, ValueError, RecursionError):
        return None


@functools.cache
def speaks_of_rare_classes(name: str) -> bool:
    """Whether a file names a metric that counts rare classes fully."""
    text = "".join("".join(linecache.getlines(file)) for file in (name, *sibling_cells(name)))
    return _RARE.search(text.lower()) is not None


def scope_of(tree: ast.Module, line: int) -> ast.FunctionDef | ast.AsyncFunctionDef | ast.Module:
    """The innermost function around a line, or the module."""
    found: ast.FunctionDef | ast.AsyncFunctionDef | ast.Module = tree
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.lineno <= line <= (node.end_lineno or 0):
            found = node
    return found


def called(node: ast.Call) -> str:
    """The last word of what is called."""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def calls_before(where: Site) -> dict[str, Site]:
    """Calls in the function around a line, up to it: last word to its last line."""
    tree = tree_of(where[0])
    if tree is None:
        return {}
    return {
        called(node): (where[0], node.lineno)
        for node in sorted(
            (n for n in ast.walk(scope_of(tree, where[1])) if isinstance(n, ast.Call)), key=lambda n: n.lineno
        )
        if node.lineno <= where[1]
    }


def given(where: Site) -> Site | None:
    """The last assignment before a line to the name on which a method is called there (`loss.backward()`)."""
    tree = tree_of(where[0])
    if tree is None:
        return None
    for node in _at(tree, where[1], ast.Call):
        function = node.func if isinstance(node, ast.Call) else None
        names = [n.id for n in ast.walk(function) if isinstance(n, ast.Name)] if function is not None else []
        if not names and isinstance(node, ast.Call):
            names = [n.id for n in node.args if isinstance(n, ast.Name)]
        for name in names:
            found = _assignment(tree, where, name)
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
    calls = [n for n in _at(tree, where[1], ast.Call) if isinstance(n, ast.Call) and n.args]
    if of:
        calls = [n for n in calls if called(n) in of]
        calls = [n for n in calls if n.lineno == where[1]] or calls
    else:
        calls = [n for n in calls if called(n) not in _PASSING]
        calls = [n for n in calls if len(n.args) > argument] if argument else calls[::-1]
    if not calls:
        return None
    return _follow(calls[0].args[0 if of else argument], where, argument, past_slices, 0)


def argument(where: Site, word: str) -> Site | None:
    """The line that made the value of a keyword argument of a call at a line."""
    tree = tree_of(where[0])
    for node in _at(tree, where[1], ast.Call) if tree is not None else ():
        for given_word in node.keywords if isinstance(node, ast.Call) else ():
            if given_word.arg == word:
                return _follow(given_word.value, where, 0, True, 0)
    return None


def _at(tree: ast.AST, line: int, kind: type[ast.AST]) -> list[ast.AST]:
    """Nodes of a kind in the simple statement at a line, outermost first."""
    best: ast.stmt | None = None
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno):
            best = node
    if best is None:
        return []
    parts: list[ast.AST] = [best]
    if isinstance(best, ast.For | ast.AsyncFor):
        parts = [best.iter]
    elif isinstance(best, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.With | ast.If | ast.While):
        parts = []
    return [n for part in parts for n in ast.walk(part) if isinstance(n, kind)]


def _statements(scope: ast.AST) -> Iterator[ast.AST]:
    """Nodes of a scope without those of functions and classes inside."""
    queue = list(ast.iter_child_nodes(scope))
    while queue:
        node = queue.pop(0)
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            queue.extend(ast.iter_child_nodes(node))


def _bindings(scope: ast.AST, name: str) -> Iterator[tuple[int, ast.expr | None, int | None]]:
    """Assignments to a name in a scope: line, value, and its position where the target is a tuple."""
    for node in _statements(scope):
        targets: list[ast.expr] = []
        value: ast.expr | None = None
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign):
            targets, value = [node.target], node.value
        elif isinstance(node, ast.For | ast.AsyncFor):
            targets, value = [node.target], node.iter
        for target in targets:
            listed = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
            flat = [e for one in listed for e in (one.elts if isinstance(one, ast.Tuple) else [one])]
            for position, element in enumerate(flat):
                if _spelled(element) == name:
                    yield getattr(node, "lineno", 0), value, position if len(flat) > 1 else None


def _spelled(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _assignment(tree: ast.Module, where: Site, name: str) -> tuple[Site, ast.expr | None, int | None] | None:
    """The assignment that counts for a name at a line: in its function, else in the class, the module, other cells."""
    scope = scope_of(tree, where[1])
    found = [b for b in _bindings(scope, name) if b[0] < where[1] or (b[0] == where[1] and b[2] is not None)]
    if "." in name and not found:
        found = [b for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) for b in _bindings(node, name)]
    if not found and not isinstance(scope, ast.Module):
        if name in [a.arg for a in scope.args.args]:
            return None
        found = list(_bindings(tree, name))
    if found:
        line, value, position = max(found, key=lambda b: b[0])
        return (where[0], line), value, position
    for other in sibling_cells(where[0]):
        inner = tree_of(other)
        found = list(_bindings(inner, name)) if inner is not None else []
        if found:
            line, value, position = max(found, key=lambda b: b[0])
            return (other, line), value, position
    return None


def _parameter(tree: ast.Module, where: Site, name: str) -> tuple[Site, ast.expr] | None:
    """What the first call of the function around a line gives for one of its parameters."""
    scope = scope_of(tree, where[1])
    if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    names = [a.arg for a in scope.args.args]
    if name not in names:
        return None
    for file in (where[0], *sibling_cells(where[0])):
        inner = tree_of(file)
        for node in ast.walk(inner) if inner is not None else ():
            if isinstance(node, ast.Call) and called(node) == scope.name:
                index = names.index(name) - (names[:1] == ["self"])
                for word in node.keywords:
                    if word.arg == name:
                        return (file, node.lineno), word.value
                if 0 <= index < len(node.args):
                    return (file, node.lineno), node.args[index]
    return None


def _follow(value: ast.expr | None, where: Site, column: int, past_slices: bool, depth: int) -> Site:
    """From an expression at a line to the line that made its value."""
    if value is None or depth > _DEEPEST:
        return where
    tree = tree_of(where[0])
    name = _spelled(value)
    if name and tree is not None:
        found = _assignment(tree, where, name)
        if found is not None:
            site, inner, position = found
            if position is not None and isinstance(inner, ast.Tuple) and position < len(inner.elts):
                inner = inner.elts[position]
            elif position is not None:
                if isinstance(inner, ast.Call) and called(inner) not in _WRAPPERS and not _spelled(inner):
                    return site
                column = position
            return _follow(inner, site, column, past_slices, depth + 1)
        passed = _parameter(tree, where, name)
        if passed is not None:
            return _follow(passed[1], passed[0], column, past_slices, depth + 1)
        return where
    if isinstance(value, ast.Subscript):
        return _follow(value.value, where, column, past_slices, depth + 1) if past_slices else where
    if isinstance(value, ast.Call):
        function = value.func
        if called(value) in _WRAPPERS and value.args:
            several = called(value) in ("TensorDataset", "zip")
            return _follow(
                value.args[min(column, len(value.args) - 1) if several else 0], where, column, past_slices, depth + 1
            )
        if isinstance(function, ast.Attribute) and function.attr in _PASSING:
            return _follow(function.value, where, column, past_slices, depth + 1)
    return where
