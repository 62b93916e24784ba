"""Reading the entry script without running it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.files import read_regular
from envsync.score.runtime.protocol.explain import CONTRACT_HINT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_MOST = 16 << 20


def missing_functions(path: Path) -> tuple[str, ...]:
    """Return which of `init` and `run` the text of *path* leaves undefined; nothing is run.

    A file that this Python can't parse, or that is very large, is not judged: the environment's
    Python decides.

    Raises:
        DefinitionError: it can't be read.
    """
    tree = _parse(path)
    try:
        bound = _bound_names(tree) if tree is not None else {"*"}
    except RecursionError:
        bound = {"*"}
    return () if "*" in bound else tuple(name for name in ("init", "run") if name not in bound)


def find_swallowed_errors(path: Path) -> tuple[int, ...]:
    """Return the lines where `run` returns what an exception says, as if it were a result.

    Raises:
        DefinitionError: it can't be read.
    """
    tree = _parse(path)
    if tree is None:
        return ()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    runs = [node for node in tree.body if isinstance(node, functions) and node.name == "run"]
    handlers = [
        node for run in runs for node in ast.walk(run) if isinstance(node, ast.ExceptHandler)
    ]
    return tuple(line for handler in handlers for line in _swallowing_returns(handler))


def missing_functions_error(script_name: str, functions: Sequence[str]) -> DefinitionError:
    """Return the error for an entry script that lacks *functions*."""
    names = " and no ".join(f"`{name}`" for name in functions)
    return DefinitionError(
        f"Entry script `{script_name}` defines no {names} function", hint=CONTRACT_HINT
    )


def _parse(path: Path) -> ast.Module | None:
    try:
        return ast.parse(read_regular(path, most=_MOST, follows=True), filename=str(path))
    except OSError as error:
        message = f"Cannot read entry script `{path}`: {error.strerror or error}"
        raise DefinitionError(message) from error
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # or too large, or too deep
        return None


def _swallowing_returns(handler: ast.ExceptHandler) -> Iterator[int]:
    """Yield the lines in *handler* that return something made of the exception."""
    tainted = {handler.name} if handler.name else set()
    for node in ast.walk(handler):
        if isinstance(node, ast.Assign) and _mentions(node.value, tainted):
            tainted |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        if isinstance(node, ast.Return) and node.value and _mentions(node.value, tainted):
            yield node.lineno


def _mentions(expression: ast.expr, names: set[str]) -> bool:
    return any(isinstance(node, ast.Name) and node.id in names for node in ast.walk(expression))


def _bound_names(tree: ast.Module) -> set[str]:
    """Return the names that the module may bind at its top level; `*` if any name may be."""
    return {name for statement in tree.body for name in _names_of(statement)}


def _names_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from ((alias.asname or alias.name).split(".")[0] for alias in node.names)
        return
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    if isinstance(node, ast.Call) and _is_namespace_call(node):
        yield "*"
    for child in ast.iter_child_nodes(node):
        yield from _names_of(child)


def _is_namespace_call(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id in {"globals", "exec", "setattr"}
