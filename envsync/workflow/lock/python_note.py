"""What became of the Python that a definition asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.definition.requirement.python_pin import python_pin

if TYPE_CHECKING:
    from envsync.model.environment import CondaSpec
    from envsync.model.lockfile import Lockfile


def describe_python(conda: CondaSpec, lockfile: Lockfile) -> str | None:
    """Return what is asked for, what the SDK would have made of it, and what is locked.

    None stands for a definition of which all three are the same.
    """
    pin = python_pin(conda.match_specs)
    if pin.survives_sdk:
        return None
    locked = {package.version for package in lockfile.packages if package.name == "python"}
    asked = " and ".join(f"`{text}`" for text in pin.asked) or "no Python"
    saved = " and ".join(f"`{text}`" for text in pin.sdk_saves)
    found = " and ".join(f"Python {version}" for version in sorted(locked)) or "no Python"
    return (
        f"The definition asks for {asked}, and {found} is locked; "
        f"the Azure ML SDK would have saved {saved}"
    )
