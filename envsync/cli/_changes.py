"""Changes between locks, as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envsync.lock.diff import Change
    from envsync.model.lockfile import LockedPackage


def describe_change(change: Change) -> str:
    """Return *change* on one line, with its reason where it has one."""
    before, after = change.before, change.after
    if before is None or after is None:
        package = after or before
        what = f"{change.kind} {_show(package)}" if package is not None else change.kind
    elif change.kind == "rebuilt":
        what = f"rebuilt {change.name} {after.version}: {before.build} → {after.build}"
    elif change.kind == "moved":
        what = f"moved {change.name} {after.version}: {_origin(before)} → {_origin(after)}"
    elif change.kind == "rehashed":
        what = f"rehashed {change.name} {after.version}: same address, other bytes"
    else:
        what = f"{change.kind} {change.name} {before.version} → {after.version}"
    reason = f" ({change.reason})" if change.reason else ""
    return f"{change.subdir}: {what}{reason}"


def _show(package: LockedPackage) -> str:
    return f"{package.name} {package.version}"


def _origin(package: LockedPackage) -> str:
    return package.url.rpartition("/")[0] or package.manager
