"""conda-lock's own models: what makes a file a conda-lock file, and its content hash."""

from __future__ import annotations

import hashlib
import logging
import warnings
from typing import TYPE_CHECKING

from conda_lock.content_hash import compute_content_hashes
from conda_lock.lockfile import write_conda_lock_file
from conda_lock.lockfile.v1.models import DependencySource, HashModel, LockedDependency, LockMeta
from conda_lock.lockfile.v1.models import Lockfile as LockfileV1
from conda_lock.lockfile.v2prelim.models import lockfile_v1_to_v2
from conda_lock.models.channel import Channel
from conda_lock.src_parser import environment_yaml, make_lock_spec
from conda_lock.virtual_package import default_virtual_package_repodata

from envsync.errors import EnvsyncError
from envsync.files import make_temporary
from envsync.model.repository import parse_repository

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envsync.model.environment import CondaSpec
    from envsync.model.lockfile import LockedPackage, Lockfile

_HEADER = """\
# Written by envsync in the format of conda-lock (CEP 37). Do not edit it: change the definition
# and run `envsync lock`. Make the environment with `envsync build-local`; `conda-lock install`
# and others that read the format can use it too.
"""


def compute_content_hash(conda: CondaSpec, subdirs: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return conda-lock's content hash of *conda* for each of *subdirs*, without network.

    Where conda-lock can't read what conda can (its parser is narrower), the hash is one of the
    text itself: conda-lock could not have computed another. What it says meanwhile is not heard:
    it is about how it would solve.
    """
    logging.getLogger("conda_lock").setLevel(logging.CRITICAL)
    environment_yaml.print = _hear_nothing  # it repeats editable requirements, secrets included
    with warnings.catch_warnings(), make_temporary() as folder:
        warnings.simplefilter("ignore")
        source = folder / "environment.yml"
        source.write_text(conda.text, encoding="utf-8")
        mapping = folder / "mapping.json"
        mapping.write_text("{}", encoding="utf-8")
        try:
            spec = make_lock_spec(
                src_files=[source],
                platform_overrides=list(subdirs),
                mapping_url=mapping.as_uri(),
            )
            facts = default_virtual_package_repodata()
            with facts:  # which gives nothing that could be bound here
                hashes = compute_content_hashes(spec, facts)
        except Exception:  # noqa: BLE001  # whatever its parsers raise means: can't read it
            digest = hashlib.sha256(conda.text.encode()).hexdigest()
            hashes = dict.fromkeys(subdirs, digest)
    return tuple((subdir, hashes[subdir]) for subdir in subdirs)


def _hear_nothing(*_: object, **__: object) -> None:
    """Stand in for `print`."""


def dump_lockfile(lockfile: Lockfile) -> str:
    """Return *lockfile* as the text of a `conda-lock.yml`; the same value gives the same text."""
    content = LockfileV1(
        package=[_to_dependency(package) for package in lockfile.packages],
        metadata=LockMeta(
            content_hash=dict(lockfile.content_hash),
            channels=[Channel(url=url, used_env_vars=()) for url in lockfile.channels],
            platforms=list(lockfile.subdirs),
            sources=list(lockfile.sources),
            custom_metadata=dict(lockfile.custom_metadata) or None,
        ),
    )
    with make_temporary() as folder:
        path = folder / "conda-lock.yml"
        write_conda_lock_file(lockfile_v1_to_v2(content), path, None, include_help_text=False)
        return _HEADER + path.read_text(encoding="utf-8")


def _to_dependency(package: LockedPackage) -> LockedDependency:
    if package.manager == "conda" and not package.md5:
        raise EnvsyncError(
            f"`{package}` has no md5, which conda-lock insists on",
            hint="ask for its channel to be indexed with md5",
        )
    return LockedDependency(
        name=package.name,
        version=package.version,
        manager=package.manager,
        platform=package.subdir,
        dependencies=dict(package.dependencies),
        url=package.url,
        hash=HashModel(
            **{
                kind: digest
                for kind, digest in (("md5", package.md5), ("sha256", package.sha256))
                if digest
            }
        ),
        **({"build": package.build} if package.build else {}),
        **_say_source(package),
        category="main",
        optional=False,
    )


def _say_source(package: LockedPackage) -> dict[str, DependencySource]:
    """Return what tells conda-lock to install *package* from its repository."""
    if parse_repository(package.url) is None:
        return {}
    return {"source": DependencySource(type="url", url=package.url)}
