"""The user's source: syntax trees of files and cells, what stands at a line, what a name was given."""

from __future__ import annotations

import ast
import functools
import linecache
import re
from collections.abc import Iterator

from trainwell.probes.place import Site, sibling_cells

_RARE = re.compile(r"f1_?score|\bf1\b|auc|average_precision|balanced_acc|matthews|\bmcc\b|recall|\bweight=")
_FREEZES = re.compile(r"fix|freez|frozen|stop_?grad|detach|static|finetun|fine_tun")
_DRAWS = ("randint", "rand", "randn", "random", "random_", "integers", "bernoulli", "choice", "multinomial", "FakeData")
Function = (ast.FunctionDef, ast.AsyncFunctionDef)


@functools.cache
def tree_of(name: str) -> ast.Module | None:
    """The syntax tree of a file or cell, None if it cannot be read."""
    try:
        return ast.parse("".join(linecache.getlines(name)))
    except (SyntaxError, ValueError, RecursionError):
        return None


@functools.cache
def nodes_of(tree: ast.AST) -> tuple[ast.AST, ...]:
    """All nodes of a tree, as `ast.walk` gives them; found once."""
    return tuple(ast.walk(tree))


@functools.cache
def speaks_of_rare_classes(name: str) -> bool:
    """Whether a file names a metric that counts rare classes fully."""
    text = "".join("".join(linecache.getlines(file)) for file in (name, *sibling_cells(name)))
    return _RARE.search(text.lower()) is not None


def line_of_call(file: str, names: tuple[str, ...]) -> Site | None:
    """The first line of a file (or of a notebook's cells) that calls one of some names, the first of them first."""
    trees = [(name, tree) for name in (file, *sibling_cells(file)) if (tree := tree_of(name)) is not None]
    for wanted in names:
        for name, tree in trees:
            lines = [n.lineno for n in nodes_of(tree) if isinstance(n, ast.Call) and called(n) == wanted]
            if lines:
                return name, min(lines)
    return None


def draws_at_random(where: Site) -> bool:
    """Whether the statement at a line draws random numbers that are not written into anything later."""
    tree = tree_of(where[0])
    calls = nodes_at(tree, where[1], ast.Call) if tree is not None else []
    if tree is None or not any(called(call) in _DRAWS for call in calls if isinstance(call, ast.Call)):
        return False
    return not _written_elsewhere(tree, where[1])


def _written_elsewhere(tree: ast.Module, line: int) -> bool:
    """Whether a name given at a line is written into parts of something later, as a label into inputs that show it."""
    scope = scope_of(tree, line)
    writes = [node for node in ast.walk(scope) if isinstance(node, ast.Assign)]
    given = {
        target.id
        for node in writes
        if node.lineno <= line <= (node.end_lineno or node.lineno)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return any(
        isinstance(part, ast.Name) and part.id in given
        for node in writes
        if node.lineno > line and isinstance(node.targets[0], ast.Subscript)
        for part in ast.walk(node.value)
    )


def is_an_option(where: Site) -> bool:
    """Whether a line stands under an `if` that asks for freezing, fixing or stopping gradients."""
    tree = tree_of(where[0])
    asked = [
        ast.unparse(node.test).lower()
        for node in (nodes_of(tree) if tree is not None else ())
        if isinstance(node, ast.If) and any(s.lineno <= where[1] <= (s.end_lineno or s.lineno) for s in node.body)
    ]
    return any(_FREEZES.search(test) is not None for test in asked)


def scope_of(tree: ast.Module, line: int) -> ast.FunctionDef | ast.AsyncFunctionDef | ast.Module:
    """The innermost function around a line, or the module."""
    found: ast.FunctionDef | ast.AsyncFunctionDef | ast.Module = tree
    for node in nodes_of(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.lineno <= line <= (node.end_lineno or 0):
            found = node
    return found


def called(node: ast.Call) -> str:
    """The last word of what is called."""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def calls_before(where: Site) -> dict[str, Site]:
    """Calls in the function around a line, up to it, and in the functions called there: last word to its last line."""
    tree = tree_of(where[0])
    if tree is None:
        return {}
    near = [n for n in ast.walk(scope_of(tree, where[1])) if isinstance(n, ast.Call) and n.lineno <= where[1]]
    found: dict[str, Site] = {}
    for node in sorted(near, key=lambda n: n.lineno):
        own = function_named(where[0], called(node)) if isinstance(node.func, ast.Name) else None
        for inner in ast.walk(own[1]) if own is not None else ():
            if own is not None and isinstance(inner, ast.Call):
                found[called(inner)] = (own[0], inner.lineno)
        found[called(node)] = (where[0], node.lineno)
    return found


def nodes_at(tree: ast.AST, line: int, kind: type[ast.AST]) -> list[ast.AST]:
    """Nodes of a kind in the simple statement at a line, outermost first."""
    best: ast.stmt | None = None
    for node in nodes_of(tree):
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


def statements(scope: ast.AST) -> Iterator[ast.AST]:
    """Nodes of a scope without those of functions and classes inside."""
    queue = list(ast.iter_child_nodes(scope))
    while queue:
        node = queue.pop(0)
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            queue.extend(ast.iter_child_nodes(node))


def bindings(scope: ast.AST, name: str) -> Iterator[tuple[int, ast.expr | None, int | None]]:
    """Assignments to a name in a scope: line, value, and its position where the target is a tuple."""
    for node in statements(scope):
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
                if spelled(element) == name:
                    yield getattr(node, "lineno", 0), value, position if len(flat) > 1 else None


def spelled(node: ast.expr) -> str:
    """A name, or an attribute of a name, as it is written; empty for anything else."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def assignment(
    tree: ast.Module, where: Site, name: str, *, before: bool = False
) -> tuple[Site, ast.expr | None, int | None] | None:
    """The assignment that counts for a name at a line: in its function, else in the class, the module, other cells."""
    scope = scope_of(tree, where[1])
    found = [
        b for b in bindings(scope, name) if b[0] < where[1] or (b[0] == where[1] and b[2] is not None and not before)
    ]
    if "." in name and not found:
        found = [b for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) for b in bindings(node, name)]
    if not found and not isinstance(scope, ast.Module):
        if name in [a.arg for a in scope.args.args]:
            return None
        found = list(bindings(tree, name))
    if found:
        line, value, position = max(found, key=lambda b: b[0])
        return (where[0], line), value, position
    for other in sibling_cells(where[0]):
        inner = tree_of(other)
        found = list(bindings(inner, name)) if inner is not None else []
        if found:
            line, value, position = max(found, key=lambda b: b[0])
            return (other, line), value, position
    return None


def passed_to(scope: ast.FunctionDef | ast.AsyncFunctionDef, call: ast.Call, name: str) -> ast.expr | None:
    """What a call of a function gives for one of its parameters, None if it leaves the default."""
    names = [a.arg for a in scope.args.args]
    for word in call.keywords:
        if word.arg == name:
            return word.value
    if name not in names:
        return None
    index = names.index(name) - (names[:1] == ["self"])
    return call.args[index] if 0 <= index < len(call.args) else None


@functools.cache
def function_named(file: str, name: str) -> tuple[str, ast.FunctionDef | ast.AsyncFunctionDef] | None:
    """The user's function of a name, in a file or a notebook's other cells."""
    for other in (file, *sibling_cells(file)):
        tree = tree_of(other)
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
                return other, node
    return None


def parameter(tree: ast.Module, where: Site, name: str) -> tuple[Site, ast.expr] | None:
    """What the first call of the function around a line gives for one of its parameters."""
    scope = scope_of(tree, where[1])
    if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    if name not in [a.arg for a in scope.args.args]:
        return None
    for file in (where[0], *sibling_cells(where[0])):
        inner = tree_of(file)
        for node in ast.walk(inner) if inner is not None else ():
            if isinstance(node, ast.Call) and called(node) == scope.name:
                passed = passed_to(scope, node, name)
                if passed is not None:
                    return (file, node.lineno), passed
    return None
