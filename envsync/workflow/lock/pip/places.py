"""Where pip packages come from, as a definition says it and a lock does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.prefix.location import find_home
from envsync.solve.cut_off import CUT_OFF_KEY, parse_cut_off
from envsync.workflow.lock.pip.lines import list_file_options, list_pip_lines

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.adapters.git import GitRepositories
    from envsync.adapters.uv import PipOrigin, UvIndex, UvInstaller, UvUnpacker
    from envsync.model.environment import EnvironmentSpec
    from envsync.model.lockfile import Lockfile
    from envsync.model.network import Network
    from envsync.model.progress import Reporter


@dataclass(frozen=True, kw_only=True, slots=True)
class PipPlaces:
    """The *directory* of a lock, the definition that it answers, if any, and its cut-off date.

    What builds source code is chosen as the world was at that date, too.
    """

    directory: Path
    spec: EnvironmentSpec | None = None
    cut_off: str | None = None


def find_places(
    lockfile: Lockfile, directory: Path, spec: EnvironmentSpec | None = None
) -> PipPlaces:
    """Return where the pip packages of *lockfile*, which lies in *directory*, come from."""
    cut_off = dict(lockfile.custom_metadata).get(CUT_OFF_KEY)
    return PipPlaces(directory=directory, spec=spec, cut_off=cut_off)


def open_repositories(*, offline: bool = False) -> GitRepositories:
    """Return this user's copies of git repositories."""
    from envsync.adapters.git import GitRepositories

    return GitRepositories(find_home() / "cache" / "git", offline=offline)


def load_pip_installer(
    places: PipPlaces,
    *,
    trusts_cache: bool = True,
    offline: bool = False,
    network: Network | None = None,
    reporter: Reporter | None = None,
) -> UvInstaller:
    """Return what installs pip packages from *places*.

    Unless it *trusts_cache*, it fetches every archive anew; with *offline* it fetches none. What
    was wrong in the cache is told to *reporter*.
    """
    from envsync.adapters.uv import UvInstaller

    return UvInstaller(
        open_repositories(offline=offline),
        _find_origin(places),
        trusts_cache=trusts_cache,
        offline=offline,
        network=network,
        reporter=reporter,
    )


def load_pip_unpacker(
    places: PipPlaces, *, network: Network | None = None, reporter: Reporter | None = None
) -> UvUnpacker:
    """Return what unpacks pip packages from *places*."""
    from envsync.adapters.uv import UvUnpacker

    return UvUnpacker(open_repositories(), _find_origin(places), network=network, reporter=reporter)


def load_pip_index(places: PipPlaces, *, offline: bool = False) -> UvIndex:
    """Return what asks the indexes of *places*."""
    from envsync.adapters.rattler import find_network, load_config
    from envsync.adapters.uv import UvIndex

    network = find_network(load_config())
    return UvIndex(_find_origin(places), offline=offline, network=network)


def _find_origin(places: PipPlaces) -> PipOrigin:
    from envsync.adapters.uv import PipOrigin

    conda = places.spec.conda if places.spec is not None else None
    if places.spec is None or conda is None:
        return PipOrigin(directory=places.directory, cut_off=parse_cut_off(places.cut_off))
    in_files = (*list_file_options(places.spec), *list_pip_lines(places.spec))
    return PipOrigin(
        directory=places.directory,
        lines_directory=places.spec.pip_directory,
        lines=(*conda.pip_options, *conda.pip_requirements, *in_files),
        cut_off=parse_cut_off(places.cut_off),
    )
