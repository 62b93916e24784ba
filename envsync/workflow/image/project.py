"""What an image is to be made of, gathered from a definition and its lock."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from envsync.definition import load
from envsync.definition.requirement.match_spec import MatchSpecError, parse_match_spec
from envsync.errors import DefinitionError, EnvsyncError
from envsync.files.hashing import hash_json
from envsync.image.base.base_check import find_needed_glibc
from envsync.image.packages.recipe import ENVIRONMENTS
from envsync.lock.base_image import find_base, parse_base
from envsync.lock.reader import LOCKFILE_NAME, load_lockfile
from envsync.model.environment_name import is_folder_name
from envsync.model.subdir import current_subdir, find_subdir
from envsync.model.text.redaction import shorten
from envsync.model.text.wording import shell_quote
from envsync.solve.facts import find_glibc, parse_facts
from envsync.workflow.environment.build import check_fresh
from envsync.workflow.lock.files import is_lock_file, load_sound_lock
from envsync.workflow.lock.pip.places import PipPlaces, find_places

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from envsync.errors import Finding
    from envsync.lock.base_image import LockedBase
    from envsync.model.environment import CondaSpec, EnvironmentSpec
    from envsync.model.lockfile import LockedPackage, Lockfile

# What OCI calls the machines of a subdir.
ARCHITECTURES = {"linux-64": "amd64", "linux-aarch64": "arm64", "linux-ppc64le": "ppc64le"}
_PIP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageProject:
    """A definition and the packages that its lock has for the image's platform.

    *places* is where its pip packages come from. *spec* is None for a lockfile alone. A
    definition that manages its own dependencies has no packages. *glibc* is what the lock
    assumes of the machines it is for, *base* the base image that it was made for, None where it
    speaks of none.
    """

    name: str
    places: PipPlaces
    spec: EnvironmentSpec | None
    architecture: str
    packages: tuple[LockedPackage, ...]
    glibc: str | None
    base: LockedBase | None
    warnings: tuple[Finding, ...]

    @property
    def prefix(self) -> str:
        """Where the environment lies in the image."""
        return f"{ENVIRONMENTS}/{self.name}"

    @property
    def conda(self) -> CondaSpec | None:
        """The conda side of the definition, None where there is none."""
        return self.spec.conda if self.spec is not None else None

    @property
    def lock_digest(self) -> str:
        """The sha256 of what is locked for the image's platform."""
        return hash_json(
            [[package.url, package.sha256 or package.md5] for package in self.packages]
        )

    def list_variables(self) -> dict[str, str]:
        """Return the variables that the definition sets."""
        if self.spec is None:
            return {}
        conda = self.conda.variables if self.conda is not None else ()
        return dict((*conda, *self.spec.environment_variables))

    def list_requested(self) -> dict[str, str]:
        """Return the definition's match specs by the names of their packages."""
        return dict(_read_names(self.conda.match_specs)) if self.conda is not None else {}

    def list_requested_pip(self) -> frozenset[str]:
        """Return the names of the definition's pip requirements."""
        lines = self.conda.pip_requirements if self.conda is not None else ()
        matches = (_PIP_NAME.match(line.strip()) for line in lines)
        return frozenset(canonicalize_name(match[0]) for match in matches if match)


def load_project(path: Path, *, name: str | None, frozen: bool) -> ImageProject:
    """Return what the definition in the folder *path*, or the lockfile at *path*, is to become.

    Raises:
        StaleLockError: the lock does not answer the definition, and is not to be *frozen*.
        DefinitionError: the definition or the lock is wrong.
        EnvsyncError: there is no lock, or it has nothing for the image's platform.
    """
    if is_lock_file(path):
        return _load_lock_alone(path, name)
    loaded = load(path)
    spec = loaded.spec
    chosen = _check_name(name or spec.name or spec.directory.resolve().name)
    subdir = _choose_subdir(spec)
    packages: tuple[LockedPackage, ...] = ()
    glibc = None
    warnings = loaded.warnings
    places = PipPlaces(directory=spec.directory)
    if spec.python.user_managed_dependencies:
        base = _find_unneeded_base(spec)
    else:
        checked = check_fresh(path, frozen=frozen, subdir=subdir)
        packages = checked.lockfile.packages_for(subdir)
        glibc = _find_glibc(checked.lockfile, subdir)
        base = parse_base(checked.lockfile.custom_metadata)
        places = find_places(checked.lockfile, spec.directory, spec)
        warnings = checked.warnings
        if not packages:
            raise EnvsyncError(
                f"`{checked.path}` has no packages for `{subdir}`",
                hint=f"run `envsync lock {shell_quote(path)} --subdir {subdir}`",
            )
    return ImageProject(
        name=chosen,
        places=places,
        spec=spec,
        architecture=ARCHITECTURES[subdir],
        packages=packages,
        glibc=glibc,
        base=base,
        warnings=warnings,
    )


def _load_lock_alone(path: Path, name: str | None) -> ImageProject:
    lockfile = load_sound_lock(path)
    offered = [subdir for subdir in lockfile.subdirs if subdir in ARCHITECTURES]
    if not offered:
        raise EnvsyncError(f"`{path}` has no packages for Linux, which images need")
    here = current_subdir()
    subdir = here if here in offered else offered[0]
    return ImageProject(
        name=_check_name(name or path.resolve().parent.name),
        places=find_places(lockfile, path.parent),
        spec=None,
        architecture=ARCHITECTURES[subdir],
        packages=lockfile.packages_for(subdir),
        glibc=_find_glibc(lockfile, subdir),
        base=parse_base(lockfile.custom_metadata),
        warnings=(),
    )


def _find_unneeded_base(spec: EnvironmentSpec) -> LockedBase | None:
    """Return the base image of a lock that *spec*, which needs none, has all the same."""
    path = spec.directory / LOCKFILE_NAME
    base = parse_base(load_lockfile(path).custom_metadata) if path.is_file() else None
    return base if base is not None and base.answers(find_base(spec)) else None


def _choose_subdir(spec: EnvironmentSpec) -> str:
    platform = spec.platform
    subdir = find_subdir(platform.os, platform.architecture)
    if subdir not in ARCHITECTURES:
        raise DefinitionError(
            f"Images are made for Linux, and the definition's `docker.platform` is "
            f"`{platform.os}/{platform.architecture}`",
            hint="`envsync build-local` without `--docker` makes the environment on this machine",
        )
    return subdir


def _check_name(name: str) -> str:
    if not is_folder_name(name):
        raise DefinitionError(
            f"`{shorten(name)}` can't be the name of an environment's folder",
            hint="name it with `--name`",
        )
    return name


def _find_glibc(lockfile: Lockfile, subdir: str) -> str | None:
    facts = parse_facts(dict(lockfile.custom_metadata), subdir)
    return find_glibc(facts) or find_needed_glibc(lockfile.packages_for(subdir))


def _read_names(match_specs: Iterable[str]) -> Iterable[tuple[str, str]]:
    for text in match_specs:
        with contextlib.suppress(MatchSpecError):  # the lock was solved from it all the same
            yield parse_match_spec(text).name, text
