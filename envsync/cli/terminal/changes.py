"""Changes between locks, as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.model.repository import parse_repository

if TYPE_CHECKING:
    from envsync.lock.diff import Change
    from envsync.model.lockfile import LockedPackage


def describe_change(change: Change) -> str:
    """Return *change* on one line, with its subdir, and its reason where it has one."""
    reason = f" ({change.reason})" if change.reason else ""
    return f"{change.subdir}: {describe_package(change)}{reason}"


def describe_package(change: Change) -> str:
    """Return what became of the package of *change*."""
    before, after = change.before, change.after
    if before is None or after is None:
        package = after or before
        return f"{change.kind} {package}" if package is not None else change.kind
    if change.kind == "rebuilt":
        return f"rebuilt {change.name} {after.version}: {before.build} → {after.build}"
    if change.kind == "moved":
        return f"moved {change.name} {after.version}: {_origin(before)} → {_origin(after)}"
    if change.kind == "rehashed":
        return f"rehashed {change.name} {after.version}: same address, other bytes"
    return f"{change.kind} {change.name} {before.version} → {after.version}"


def _origin(package: LockedPackage) -> str:
    repository = parse_repository(package.url)
    if repository is not None:
        return f"{repository.url}@{repository.revision[:12]}"
    return package.url.rpartition("/")[0] or package.manager
