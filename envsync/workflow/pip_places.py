"""Where pip packages come from, as a definition says it and a lock does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.realise.location import find_home
from envsync.workflow.pip_lines import list_pip_lines

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.adapters.git import GitRepositories
    from envsync.adapters.uv import PipOrigin, UvIndex, UvInstaller, UvUnpacker
    from envsync.model.environment import EnvironmentSpec
    from envsync.model.network import Network


def open_repositories(*, offline: bool = False) -> GitRepositories:
    """Return this user's copies of git repositories."""
    from envsync.adapters.git import GitRepositories

    return GitRepositories(find_home() / "cache" / "git", offline=offline)


def load_pip_installer(
    spec: EnvironmentSpec | None,
    directory: Path,
    *,
    trusts_cache: bool = True,
    offline: bool = False,
    network: Network | None = None,
) -> UvInstaller:
    """Return what installs the pip packages of the lock in *directory*, made for *spec*.

    Unless it *trusts_cache*, it fetches every archive anew; with *offline* it fetches none.
    """
    from envsync.adapters.uv import UvInstaller

    origin = _find_origin(spec, directory)
    return UvInstaller(
        open_repositories(offline=offline),
        origin,
        trusts_cache=trusts_cache,
        offline=offline,
        network=network,
    )


def load_pip_unpacker(
    spec: EnvironmentSpec | None, directory: Path, *, network: Network | None = None
) -> UvUnpacker:
    """Return what unpacks pip packages; the arguments are those of `load_pip_installer`."""
    from envsync.adapters.uv import UvUnpacker

    return UvUnpacker(open_repositories(), _find_origin(spec, directory), network=network)


def load_pip_index(
    spec: EnvironmentSpec | None, directory: Path, *, offline: bool = False
) -> UvIndex:
    """Return what asks the indexes of *spec*, whose lock is in *directory*."""
    from envsync.adapters.rattler import find_network, load_config
    from envsync.adapters.uv import UvIndex

    network = find_network(load_config())
    return UvIndex(_find_origin(spec, directory), offline=offline, network=network)


def _find_origin(spec: EnvironmentSpec | None, directory: Path) -> PipOrigin:
    from envsync.adapters.uv import PipOrigin

    if spec is None or spec.conda is None:
        return PipOrigin(directory=directory)
    conda = spec.conda
    lines = (*conda.pip_options, *conda.pip_requirements, *list_pip_lines(spec))
    return PipOrigin(directory=directory, lines=lines)
