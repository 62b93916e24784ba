"""What is said of source code that has to be built before it can be locked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from envsync.adapters.uv.build_gate import identify
from envsync.errors import EnvsyncError
from envsync.model.channel import redact_url

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.model.pip_section import PipRequirement
    from envsync.solve.request import PipRequest

_HINT = "ask for a version that has a wheel, or lock a wheel that you built"


@dataclass(kw_only=True, slots=True)
class BuildWatch:
    """Says of each build for *request* that it is about to run, or refuses it."""

    request: PipRequest
    refused: list[str] = field(default_factory=list)

    def admit(self, source: Path) -> bool:
        """Tell whether the code in the folder *source* may run; if so it is said first."""
        named = _describe(self.request, source)
        if not self.request.allows_builds:
            self.refused.append(named)
            return False
        place = self.request.lock_directory or self.request.directory
        self.request.reporter.note(
            f"Warning: `{place}`: {named} is source code, which is run now to lock it\n"
            f"Hint: refuse that with `--no-build`; {_HINT}"
        )
        return True

    def check(self) -> None:
        """Refuse what had to be built.

        Raises:
            EnvsyncError: something had to.
        """
        if self.refused:
            place = self.request.lock_directory or self.request.directory
            raise EnvsyncError(
                f"`{place}`: {self.refused[0]} is source code, and locking it would run it",
                hint=f"{_HINT}; without `--no-build` it is run",
            )


def _describe(request: PipRequest, source: Path) -> str:
    """Return the name of the source code, and the requirement that asks for it."""
    name, version = identify(source)
    direct = [each for each in request.parsed if each.source != "index"]
    if not name:  # then it is what nobody knows the name of before it is built
        named = " or ".join(f"`{_tell(each)}`" for each in direct if not _is_wheel(each))
        return named or "a requirement"
    title = f"{name} {version}".strip()
    own = canonicalize_name(name)
    for each in request.parsed:
        if each.name == own:
            return f"{title} (`{_tell(each)}`)"
    unnamed = [each for each in direct if each.name is None and not _is_wheel(each)]
    if len(unnamed) == 1:
        return f"{title} (`{_tell(unnamed[0])}`)"
    return f"{title} (which another requirement needs)"


def _tell(requirement: PipRequirement) -> str:
    return redact_url(requirement.text)


def _is_wheel(requirement: PipRequirement) -> bool:
    return (requirement.url or "").partition("#")[0].endswith(".whl")
