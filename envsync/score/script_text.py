"""Reading the entry script without running it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.score.runtime.explain import CONTRACT_HINT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def missing_functions(path: Path) -> tuple[str, ...]:
    """Return which of `init` and `run` the text of *path* leaves undefined; nothing is run.

    A file that this Python can't parse is not judged: the environment's Python decides.

    Raises:
        DefinitionError: it can't be read.
    """
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except OSError as error:
        message = f"Cannot read entry script `{path}`: {error.strerror or error}"
        raise DefinitionError(message) from error
    except (SyntaxError, ValueError):
        return ()
    bound = _bound_names(tree)
    if "*" in bound:
        return ()
    return tuple(name for name in ("init", "run") if name not in bound)


def missing_functions_error(script_name: str, functions: Sequence[str]) -> DefinitionError:
    """Return the error for an entry script that lacks *functions*."""
    names = " and no ".join(f"`{name}`" for name in functions)
    return DefinitionError(
        f"Entry script `{script_name}` defines no {names} function", hint=CONTRACT_HINT
    )


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
