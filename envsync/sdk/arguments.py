"""Binding arguments as the SDK's methods do, which begin with a workspace."""

from __future__ import annotations

from envsync.sdk.workspace import check_workspace, drop_workspace


def bind(
    method: str,
    given: tuple[object, ...],
    named: dict[str, object],
    order: tuple[str, ...],
    known: tuple[str, ...],
) -> dict[str, object]:
    """Return the arguments by name, as Python would bind them had the SDK no workspace.

    An argument of the SDK's that envsync has no use for may be there if it is None.
    """
    check_workspace(named.pop("workspace", None))
    positional = drop_workspace(given)
    if len(positional) > len(order):
        message = f"{method}() takes {len(order)} positional arguments"
        raise TypeError(message)
    bound = dict(zip(order, positional, strict=False))
    for name, value in named.items():
        if name in bound or (name not in known and value is not None):
            message = f"{method}() got an unexpected keyword argument '{name}'"
            raise TypeError(message)
        bound[name] = value
    return bound
