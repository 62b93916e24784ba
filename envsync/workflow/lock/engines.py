"""The solvers, started when the first definition needs them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envsync.solve.request import CondaSolver, PipSolver
    from envsync.workflow.lock.base.digest import DigestFinder

_OVERRIDES = ("CUDA", "GLIBC", "LINUX", "OSX", "WIN")


@dataclass(frozen=True, kw_only=True, slots=True)
class Engines:
    """The solvers, which many definitions share, and what the process says of machines."""

    conda: CondaSolver
    pip: PipSolver
    overrides: Mapping[str, str]


class LazyEngines:
    """Starts the engines at the first call, whichever thread that comes from.

    The variables `CONDA_OVERRIDE_…` of *environ* are heeded. With *offline* the engines ask
    their caches and files, and no network.
    """

    def __init__(self, environ: Mapping[str, str], *, offline: bool = False) -> None:
        self._environ = environ
        self._is_offline = offline
        self._started: Engines | None = None
        self._digests: DigestFinder | None = None
        self._guard = threading.Lock()

    @property
    def digests(self) -> DigestFinder:
        """What finds the digests of base images, which many definitions share, too."""
        from envsync.workflow.lock.base.digest import DigestFinder

        with self._guard:
            if self._digests is None:
                self._digests = DigestFinder(self._environ, offline=self._is_offline)
            return self._digests

    def __call__(self) -> Engines:
        """Return the engines, the same at each call."""
        with self._guard:
            if self._started is None:
                self._started = _start(self._environ, offline=self._is_offline)
            return self._started


def _start(environ: Mapping[str, str], *, offline: bool) -> Engines:
    from envsync.adapters.rattler import RattlerSolver, find_network, load_config
    from envsync.adapters.uv import UvSolver
    from envsync.workflow.lock.pip.places import open_repositories

    overrides = {
        f"__{name.lower()}": environ[f"CONDA_OVERRIDE_{name}"]
        for name in _OVERRIDES
        if environ.get(f"CONDA_OVERRIDE_{name}")
    }
    config = load_config()
    repositories = open_repositories(offline=offline)
    return Engines(
        conda=RattlerSolver(config, offline=offline),
        pip=UvSolver(repositories, offline=offline, network=find_network(config)),
        overrides=overrides,
    )
