"""Notebooks: their code cells run in order in one namespace; IPython's own syntax is left out."""

from __future__ import annotations

import ast
import builtins
import linecache
import re
import sys
import types
from pathlib import Path
from typing import Any

from trainwell.errors import UsageError
from trainwell.probes.place import name_cell, name_prompts

_SKIPPED_CELLS = (
    "bash",
    "sh",
    "html",
    "javascript",
    "js",
    "markdown",
    "latex",
    "svg",
    "writefile",
    "file",
    "script",
    "perl",
    "ruby",
    "cmd",
    "system",
    "sx",
    "bigquery",
    "sql",
    "R",
)
_MAGIC = re.compile(r"^(\s*)(%|!|\?)")
_ASSIGNED = re.compile(r"^(\s*[A-Za-z_][\w, .\[\]'\"]*=\s*)(%\w|!)")
_HELP = re.compile(r"^(\s*)[\w.]+\?{1,2}\s*$")
_names: dict[str, int] = {}


def cell_of(code_name: str) -> int | None:
    """Number of the code cell that was compiled under a name."""
    return _names.get(code_name)


def read_cells(path: Path) -> list[str]:
    """Sources of the code cells, in order.

    Raises:
        UsageError: If the file is no notebook.
    """
    import nbformat

    try:
        notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
        cells = [str(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
    except Exception as error:
        raise UsageError(
            f"`{path}` must be a notebook (JSON of Jupyter), got {type(error).__name__}: {error}"
        ) from None
    return cells


def plain_python(source: str) -> str:
    """Replace magics, shell commands and help by nothing, keeping every line where it is.

    >>> plain_python("%matplotlib inline\\nx = 1")
    'pass\\nx = 1'
    """
    lines = source.split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), None)
    if first is not None and lines[first].startswith("%%"):
        name = lines[first][2:].split()[:1]
        if name and name[0] in _SKIPPED_CELLS:
            return "\n".join("" for _ in lines)
        lines[first] = ""
    found = []
    try:
        compile("\n".join(lines), "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        return "\n".join(lines)
    except SyntaxError:
        pass
    continued = False
    for line in lines:
        if continued:
            continued = line.rstrip().endswith("\\")
            found.append("")
            continue
        if match := _ASSIGNED.match(line):
            line, continued = f"{match[1]}[]", line.rstrip().endswith("\\")
        elif match := (_MAGIC.match(line) or _HELP.match(line)):
            statement = line.strip()
            timed = re.match(r"%(?:time|timeit|prun)\s+(?!-)(\S.*)", statement)
            line, continued = f"{match[1]}{timed[1] if timed else 'pass'}", statement.endswith("\\")
        found.append(line)
    return "\n".join(found)


class _Shell:
    """What programs ask of `get_ipython()`: nothing happens."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: None


def run(path: Path, arguments: list[str]) -> None:
    """Run the code cells in this process as `__main__`."""
    cells = read_cells(path)
    main = types.ModuleType("__main__")
    main.__dict__.update(__builtins__=builtins, __spec__=None)
    if "IPython" not in sys.modules:
        shell = _Shell()
        main.__dict__.update(get_ipython=lambda: shell, display=print)
    sys.modules["__main__"] = main
    sys.argv = [str(path), *arguments]
    sys.path.insert(0, str(path.parent))
    for number, source in enumerate(cells):
        run_cell(plain_python(source), number, path, main.__dict__)


def run_cell(source: str, number: int, path: Path, namespace: dict[str, Any]) -> None:
    """Run one cell; the value of a last expression is shown as at a prompt."""
    name = f"{path}#cell{number}"
    _names[name] = number
    name_cell(name, str(path), number)
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    tree = compile(source, name, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec", dont_inherit=True), namespace)
    if last is not None:
        expression = ast.Expression(last.value)
        value = eval(compile(expression, name, "eval", dont_inherit=True), namespace)
        if value is not None and not source.rstrip().endswith(";"):
            print(repr(value))


def load_ipython_extension(shell: Any) -> None:
    """Register `%%trainwell`: watches the training in a cell and prints what is wrong with it."""

    def trainwell_cell(line: str, cell: str) -> None:
        from trainwell.check.watching import Watcher

        words = line.split(maxsplit=1)
        if words and words[0] not in ("--ignore", "--select"):
            raise UsageError(f"`%%trainwell` must be followed by --select RULES or --ignore RULES, got {line!r}")
        names = [name.strip() for name in "".join(words[1:]).split(",") if name.strip()]
        name_prompts(label)
        select, ignore = (names, []) if words[:1] == ["--select"] else ([], names)
        with Watcher(select=select, ignore=ignore) as watcher:
            shell.run_cell("# %%trainwell\n" + cell)  # lines count from the magic
        print(watcher.report(), end="")

    def label(code_name: str) -> str | None:
        named = shell.compile.format_code_name(code_name)
        if named is None:
            return None
        count = shell.execution_count  # of the next cell, under which the cell of the magic was compiled
        return f"In[{count - 1}]" if named[1] == f"In[{count}]" else str(named[1])

    shell.register_magic_function(trainwell_cell, magic_kind="cell", magic_name="trainwell")
