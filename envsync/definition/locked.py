"""A lockfile, read as the definition that locks to the same packages."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from envsync.definition.reading.loaded import Loaded
from envsync.definition.reading.report import Report
from envsync.definition.requirement.package_place import (
    find_platform,
    is_plain_channel,
    name_channel,
)
from envsync.model.channel import redact_url, resolve_channel
from envsync.model.environment import CondaSpec, EnvironmentSpec
from envsync.model.repository import parse_repository
from envsync.model.text.redaction import quote
from envsync.remedy import Option, Step, advise

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage, Lockfile

_USUAL = "linux-64"
_INDEX_HOSTS = frozenset({"files.pythonhosted.org", "pypi.org"})
_PKGS_MAIN = "https://repo.anaconda.com/pkgs/main/"
_PKGS = "https://repo.anaconda.com/"


def define_from_lock(
    lockfile: Lockfile, path: Path, *, subdir: str | None, pip_options: Sequence[str] = ()
) -> Loaded:
    """Return the definition whose lock has what *lockfile*, read from *path*, has for one subdir.

    That is *subdir*, if the lock has it, else `linux-64`, else its first. Each conda package is
    asked for by name, version and build, each pip package by name and version, or by its address
    where it comes from no index. *pip_options* go before these.
    """
    report = Report(str(path))
    chosen = _choose(lockfile, subdir, report)
    packages = lockfile.packages_for(chosen)
    conda = [package for package in packages if package.manager == "conda"]
    pip = [package for package in packages if package.manager == "pip"]
    channels = _list_channels(lockfile, conda, chosen, report)
    report.warn("", "hashes have no place in a definition", hint="keep the lockfile beside it")
    _warn_of_indexes(pip, pip_options, report)
    directory = path.parent
    name = directory.resolve().name or None
    specs = [_pin(package, channels) for package in sorted(conda, key=_order)]
    if pip and not any(package.name == "pip" for package in conda):
        specs.append("pip")
    spec = EnvironmentSpec(
        name=name,
        directory=directory,
        files=(path,),
        conda=CondaSpec(
            name=name,
            channels=channels,
            match_specs=tuple(specs),
            pip_options=tuple(pip_options) if pip else (),
            pip_requirements=tuple(_pin_pip(package) for package in sorted(pip, key=_order)),
            has_pip_section=bool(pip),
        ),
        platform=find_platform([chosen]),
    )
    return Loaded(spec=spec, warnings=tuple(report.warnings))


def _choose(lockfile: Lockfile, subdir: str | None, report: Report) -> str:
    known = lockfile.subdirs
    chosen = next((each for each in (subdir, _USUAL) if each in known), None)
    chosen = chosen or next(iter(known), _USUAL)
    others = ", ".join(f"`{each}`" for each in known if each != chosen)
    if others:
        step = Step("lock", ("DIR",), (Option("subdir", known[-1]),))
        hint = advise("lock it for them again: ", step)
        verb = "are" if "," in others else "is"
        message = f"a definition is for one machine: `{chosen}`; {others} {verb} left out"
        report.warn("", message, hint=hint)
    return chosen


def _list_channels(
    lockfile: Lockfile, conda: Sequence[LockedPackage], subdir: str, report: Report
) -> tuple[str, ...]:
    """Return the lock's channels in its order, then those that its packages come from besides."""
    listed = [name_channel(channel) for channel in lockfile.channels if channel != "nodefaults"]
    counts = Counter(name_channel(_channel_of(package)) for package in conda)
    known = {url for name in listed for url in resolve_channel(name, subdir).urls}
    others = sorted(counts, key=lambda name: (-counts[name], name))
    listed += [name for name in others if not known & set(resolve_channel(name, subdir).urls)]
    for name in dict.fromkeys(listed):
        if not is_plain_channel(name):
            message = f"{quote(name)} is no channel for a definition; it is left out"
            report.warn("channels", message, hint="add the channel that is meant")
    return tuple(name for name in dict.fromkeys(listed) if is_plain_channel(name))


def _pin(package: LockedPackage, channels: Sequence[str]) -> str:
    """Return the match spec of *package*; among several channels it says which one is meant."""
    exact = f"{package.name}={package.version}" + (f"={package.build}" if package.build else "")
    url = _channel_of(package)
    if len(channels) == 1 and (channels[0] != "defaults" or url == _PKGS_MAIN):
        return exact
    place = url.removeprefix(_PKGS) if name_channel(url) == "defaults" else name_channel(url)
    return f"{place.rstrip('/')}::{exact}"


def _pin_pip(package: LockedPackage) -> str:
    repository = parse_repository(package.url)
    url = package.url if repository is None else str(repository)
    # a variable in a definition is replaced by its value, which its server would be told
    if url.startswith(("git+", "file://")) and "${" not in url:
        return f"{package.name} @ {url}"
    return f"{package.name}=={package.version}"


def _warn_of_indexes(
    pip: Sequence[LockedPackage], pip_options: Sequence[str], report: Report
) -> None:
    hosts = {urlsplit(each.url).hostname for each in pip if each.url.startswith("http")}
    for host in sorted(str(host) for host in hosts - _INDEX_HOSTS):
        if not any(host in option for option in pip_options):
            message = f"pip packages are from `{host}`, and a lock doesn't say by which index"
            report.warn("pip", message, hint="add `--extra-index-url` to the pip section")


def _channel_of(package: LockedPackage) -> str:
    folder = redact_url(package.url).rpartition("/")[0]
    return f"{folder.rpartition('/')[0]}/"


def _order(package: LockedPackage) -> tuple[bool, str]:
    return package.name != "python", package.name
