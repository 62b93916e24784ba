"""Locking pip requirements."""

from __future__ import annotations

import os
import re
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from envsync import process
from envsync.adapters.uv.build_gate import gate_builds
from envsync.adapters.uv.builds import BuildWatch
from envsync.adapters.uv.failure import explain_compile
from envsync.adapters.uv.hashes import list_unheld
from envsync.adapters.uv.metadata import MetadataCache, find_cache
from envsync.adapters.uv.origin import PipOrigin, spell_for_uv
from envsync.adapters.uv.program import UNSATISFIABLE, command, environment, find_target
from envsync.adapters.uv.refusal import find_refusals
from envsync.adapters.uv.requirement_files import open_files
from envsync.adapters.uv.selection import Sources, select_archives
from envsync.errors import EnvsyncError
from envsync.files import make_temporary
from envsync.lock.formats.pylock import PylockEntry, dump_entries
from envsync.model.repository import list_git_settings, parse_repository

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage
    from envsync.model.network import Network
    from envsync.solve.request import PipRequest, PythonDistribution, RepositoryStore

# Options of a definition that uv takes on its command line and not among the requirements.
_FLAGS = {"--pre": ("--prerelease", "allow")}
_MAIN_INDEX = re.compile(r"(?:-i|--index-url)\b")
_EDITABLE_REPOSITORY = re.compile(r"(?:-e|--editable)[\s=]+(?=git\+)")  # uv has folders alone so
_TRUSTED_HOST = re.compile(r"--trusted-host[\s=]+(\S+)")


class UvSolver:
    """Locks pip requirements for a Python and a subdir that need not be this machine's.

    *repositories* has the git repositories that are asked for. With *offline* only what uv has
    in its cache counts.
    """

    def __init__(
        self,
        repositories: RepositoryStore,
        *,
        offline: bool = False,
        network: Network | None = None,
    ) -> None:
        self._repositories = repositories
        self._network = network
        self._is_offline = offline

    def solve(self, request: PipRequest) -> tuple[LockedPackage, ...]:
        """Return one package per name, sorted by name, without what conda provides."""
        origin = _find_origin(request)
        credentials = origin.list_git_credentials()
        with make_temporary() as temporary, ThreadPoolExecutor(1) as pool:
            folder = temporary.resolve()
            cache = find_cache() if not os.environ.get("UV_NO_CACHE") else folder / "cache"
            is_one_of_several = len(origin.list_indexes()) > 1
            asking = (
                pool.submit(self._find_refusals, request, origin) if is_one_of_several else None
            )
            watch = BuildWatch(request=request)
            settings = list_git_settings(credentials, os.environ)
            done = self._compile(request, folder, watch, {**settings, "UV_CACHE_DIR": str(cache)})
            refusals = asking.result() if asking is not None else ()
            watch.check()
            if done.status != 0:
                if asking is None and UNSATISFIABLE in done.stderr:
                    refusals = self._find_refusals(request, origin)
                raise self._find_fault(request, origin) or explain_compile(
                    request, done.stderr, refusals
                )
            for unheld in list_unheld(request.parsed):
                request.reporter.note(unheld)
            for refusal in refusals:
                request.reporter.note(f"Index {refusal}: nothing is locked from it")
            sources = Sources(
                base=folder,
                cache=MetadataCache(cache),
                repositories=self._repositories,
                credentials=credentials,
            )
            written = (folder / "pylock.toml").read_text(encoding="utf-8")
            return select_archives(written, request, sources)

    def _find_refusals(self, request: PipRequest, origin: PipOrigin) -> tuple[str, ...]:
        """Ask the indexes for something that is asked for, since they refuse all or nothing."""
        provided = {each.name for each in request.provided}
        names = (each.name for each in request.parsed if each.source == "index")
        name = next((name for name in names if name and name not in provided), None)
        if name is None or self._is_offline:
            return ()
        return find_refusals(origin, name, self._network)

    def _find_fault(self, request: PipRequest, origin: PipOrigin) -> EnvsyncError | None:
        """Return what a look at files and repositories tells better than uv does."""
        if unset := origin.list_unset():
            named = ", ".join(f"`${{{name}}}`" for name in unset)
            return EnvsyncError(
                f"Cannot lock the pip requirements: {named} under `pip:` has no value",
                hint=f"set it: `export {unset[0]}=…`",
            )
        credentials = origin.list_git_credentials()
        for wanted in origin.list_repositories():
            if fault := self._repositories.find_fault(wanted, credentials):
                return fault
        for asked in request.parsed:
            place = asked.url or ""
            is_named = asked.source == "local" and asked.text in request.requirements
            if is_named and "://" not in place and not (request.directory / place).exists():
                return EnvsyncError(
                    f"`{place}` is asked for under `pip:` and is not there",
                    hint=f"put it into `{request.directory}`, or correct its path",
                )
        return None

    def _compile(
        self, request: PipRequest, folder: Path, watch: BuildWatch, settings: Mapping[str, str]
    ) -> process.Completed:
        """Let uv write a `pylock.toml` into *folder*; *watch* is asked before it builds."""
        opened = open_files(request.options, request.directory)
        stubs = (_write_stub(folder, item) for item in request.provided)
        constraints = folder / "constraints.txt"
        constraints.write_text("\n".join((*stubs, *opened.constraints, "")), encoding="utf-8")
        lines = (*_list_options(opened.lines), *map(spell_for_uv, request.requirements))
        environ = {**environment(self._network), **settings, "UV_NO_CACHE": "0"}
        with gate_builds(folder / "gate", environ, watch.admit) as gated:
            return process.run(
                [
                    *command("pip", "compile", "-", "--quiet", "--format", "pylock.toml"),
                    *("--python", sys.executable, "--python-version", request.python_version),
                    *("--python-platform", find_target(request.subdir, request.glibc)),
                    *("--index-strategy", "unsafe-best-match"),  # as pip itself chooses
                    *("--constraint", str(constraints), "--no-header"),
                    "--no-sources",  # pip knows no `tool.uv.sources`, which may lead anywhere
                    *("--output-file", str(_prefer(folder, request))),
                    *_list_cut_off(request),
                    *(("--offline",) if self._is_offline else ()),
                    *_list_flags(request.options),
                ],
                cwd=request.directory,
                env=gated,
                stdin="\n".join(lines),
            )


def _find_origin(request: PipRequest) -> PipOrigin:
    named = (each.text for each in (*request.parsed, *request.constraints))
    lines = (*request.options, *request.requirements, *request.file_options, *named)
    return PipOrigin(directory=request.directory, lines=lines)


def _write_stub(folder: Path, provided: PythonDistribution) -> str:
    """Write a wheel with nothing but metadata; return the constraint line that names it."""
    stem = provided.name.replace("-", "_")
    path = folder / f"{stem}-{provided.version}-py3-none-any.whl"
    info = f"{stem}-{provided.version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: {provided.name}\nVersion: {provided.version}\n",
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return f"{provided.name} @ {path.as_uri()}"


def _prefer(folder: Path, request: PipRequest) -> Path:
    """Return where uv is to write; of what is preferred, and it finds there, it keeps what fits."""
    output = folder / "pylock.toml"
    asked = {
        (found.url, found.subdirectory): found.revision
        for found in _find_origin(request).list_repositories()
    }
    entries = []
    for package in request.preferred:
        pin = parse_repository(package.url)
        revision = asked.get((pin.url, pin.subdirectory), "") if pin is not None else ""
        entries.append(PylockEntry(package=package, revision=revision))
    if entries:
        output.write_text(dump_entries(entries), encoding="utf-8")
    return output


def _list_cut_off(request: PipRequest) -> list[str]:
    if request.exclude_newer is None:
        return []
    return ["--exclude-newer", request.exclude_newer.strftime("%Y-%m-%dT%H:%M:%SZ")]


def _list_flags(options: Iterable[str]) -> list[str]:
    flags: list[str] = []
    for option in options:
        flags += _FLAGS.get(option.strip(), ())
        if match := _TRUSTED_HOST.match(option):
            flags += ("--allow-insecure-host", match[1])
    return flags


def _list_options(options: Sequence[str]) -> list[str]:
    """Return what uv takes among requirements; of several main indexes pip takes the last."""
    indexes = [place for place, option in enumerate(options) if _MAIN_INDEX.match(option)]
    return [
        _EDITABLE_REPOSITORY.sub("", option)
        for place, option in enumerate(options)
        if option.strip() not in _FLAGS
        and not _TRUSTED_HOST.match(option)
        and place not in indexes[:-1]
    ]
