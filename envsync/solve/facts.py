"""The virtual packages that a lock assumes: detected, implied by the base image, or stated."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.model.subdir import current_subdir, find_subdir
from envsync.model.virtual_package import DEFAULTS, VirtualPackage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from envsync.model.environment import EnvironmentSpec
    from envsync.solve.request import CondaSolver

FACTS_KEY = "envsync.virtual-packages."

_STATEMENT = re.compile(r"(?:__)?(?P<name>[a-z][a-z0-9]*)=(?P<version>[0-9][0-9.]*)")
_CUDA = re.compile(r"cuda-?(?P<version>\d+\.\d+)")
# The glibc of the distributions that base images name in their tags or names.
_GLIBC = {
    "ubuntu16.04": "2.23",
    "ubuntu18.04": "2.27",
    "ubuntu20.04": "2.31",
    "ubuntu22.04": "2.35",
    "ubuntu24.04": "2.39",
    "buster": "2.28",
    "bullseye": "2.31",
    "bookworm": "2.36",
    "trixie": "2.41",
}


def parse_statements(texts: Iterable[str]) -> dict[str, str]:
    """Return what statements such as `glibc=2.17` say, by the virtual package's name.

    Raises:
        DefinitionError: a statement is not of that form.
    """
    stated = {}
    for text in texts:
        match = _STATEMENT.fullmatch(text.strip().lower())
        if match is None:
            raise DefinitionError(
                f"`{text}` is not a system requirement", hint="write it as `glibc=2.28`"
            )
        stated[f"__{match['name']}"] = match["version"]
    return stated


def assume_facts(
    spec: EnvironmentSpec,
    subdir: str,
    solver: CondaSolver,
    *,
    recorded: Sequence[VirtualPackage] = (),
    recorded_image: str | None = None,
    stated: Mapping[str, str],
) -> tuple[VirtualPackage, ...]:
    """Return what is assumed of the machines of *subdir*, sorted by name.

    What an earlier lock *recorded* is kept, so that a relock elsewhere gives the same answer, but
    for what only its *recorded_image* implied, where the definition names another now. Else they
    are this machine's facts, or conda-lock's defaults for another subdir, no newer than the base
    image's. What is *stated* counts most.
    """
    implied = _imply(spec, subdir, spec.base_image_name)
    earlier = implied if recorded_image is None else _imply(spec, subdir, recorded_image)
    kept = {it.name: it for it in recorded if implied == earlier or not _is_of(it, earlier)}
    facts = dict(kept)
    wanted = {it.name for it in recorded} - set(kept)
    if wanted or not recorded:
        known = solver.detect_virtual_packages() if subdir == current_subdir() else DEFAULTS[subdir]
        facts |= {it.name: it for it in known if it.name in wanted or not recorded}
    if implied != earlier or not recorded:
        for name, version in implied.items():
            found = facts.get(name)
            if found is None or name == "__cuda" or _older(version, found.version):
                facts[name] = VirtualPackage(name=name, version=version)
    for name, version in stated.items():
        build = facts[name].build if name in facts else "0"
        facts[name] = VirtualPackage(name=name, version=version, build=build)
    return tuple(sorted(facts.values()))


def dump_facts(subdir: str, facts: Sequence[VirtualPackage]) -> tuple[str, str]:
    """Return *facts* as an entry of a lock's custom metadata."""
    return f"{FACTS_KEY}{subdir}", " ".join(map(str, facts))


def parse_facts(metadata: Mapping[str, str], subdir: str) -> tuple[VirtualPackage, ...]:
    """Return the facts that a lock's custom metadata has for *subdir*."""
    words = metadata.get(f"{FACTS_KEY}{subdir}", "").split()
    parts = [word.split("=") for word in words]
    return tuple(
        replace(VirtualPackage(name=part[0], version=part[1]), build="=".join(part[2:]) or "0")
        for part in parts
        if len(part) > 1
    )


def find_glibc(facts: Sequence[VirtualPackage]) -> str | None:
    """Return the version of the C library among *facts*, such as `2.28`."""
    return next((fact.version for fact in facts if fact.name == "__glibc"), None)


def _is_of(fact: VirtualPackage, implied: Mapping[str, str]) -> bool:
    return implied.get(fact.name) == fact.version


def _imply(spec: EnvironmentSpec, subdir: str, image: str) -> dict[str, str]:
    """Return what the name of a base *image* says of the machines it runs on."""
    image = image.lower()
    if subdir != find_subdir(spec.platform.os, spec.platform.architecture):
        return {}
    implied = {}
    glibc = next((version for name, version in _GLIBC.items() if name in image), None)
    if glibc is not None:
        implied["__glibc"] = glibc
    cuda = _CUDA.search(image)
    if cuda is not None:
        implied["__cuda"] = cuda["version"]
    return implied


def _older(version: str, other: str) -> bool:
    return _numbers(version) < _numbers(other)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
