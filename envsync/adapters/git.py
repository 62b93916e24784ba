"""Git repositories: fetched once per commit, and checked against a hash of their content."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import IO, TYPE_CHECKING

from envsync import process
from envsync.errors import EnvsyncError
from envsync.files import lock_directory, remove_tree
from envsync.model.channel import redact_url
from envsync.model.repository import list_git_settings
from envsync.remedy import Option, advise

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from envsync.model.repository import Repository

_QUIET = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
_PATIENCE = {"http.lowSpeedLimit": "1000", "http.lowSpeedTime": "60"}  # bytes/s, seconds
# What makes git start other programs: addresses that are commands, and hooks.
_HARMLESS = {
    "protocol.ext.allow": "never",
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
}
_EVERYTHING = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
_PART = 1024 * 1024
_LARGEST_TEXT = 4 * 1024 * 1024
_FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY")


class GitRepositories:
    """Keeps bare copies of repositories below *root*, which any number of processes may share.

    When *offline*, only these copies and repositories on this machine are used.
    """

    def __init__(self, root: Path, *, offline: bool = False) -> None:
        self._root = root
        self._is_offline = offline

    def provide(
        self, pin: Repository, credentials: Mapping[str, str], *, sha256: str | None = None
    ) -> Path:
        """Return a bare repository that has the commit of *pin*; its branches include it.

        *credentials* has the userinfo for each repository's server, by URL.

        Raises:
            EnvsyncError: it can't be fetched, or its content does not match *sha256*.
        """
        path = self._path(pin)
        git = _Git(path, credentials)
        with lock_directory(path.with_suffix("")):
            if not git.has(pin.revision):
                self._fetch(git, pin, credentials)
        if sha256 is not None and (found := hash_commit(git, pin.revision)) != sha256:
            raise EnvsyncError(
                f"`{pin}` has the sha256 `{found}`, and `{sha256}` was locked",
                hint="find out who changed it before you lock it again",
            )
        return path

    def hash(self, pin: Repository, credentials: Mapping[str, str]) -> str:
        """Return the sha256 of the content of *pin*, fetching it if needed."""
        return hash_commit(_Git(self.provide(pin, credentials), {}), pin.revision)

    def read(self, pin: Repository, name: str) -> str | None:
        """Return the text file *name* beside the package of *pin*, None if there is none.

        A file of more than 4 MiB counts as missing. The commit must have been provided.
        """
        git = _Git(self.provide(pin, {}), {})
        place = "/".join(part for part in (pin.subdirectory, name) if part)
        found = f"{pin.revision}:{place}"
        size = git.run("cat-file", "-s", found).stdout.strip()
        if not size.isdigit() or int(size) > _LARGEST_TEXT:
            return None
        done = git.run("show", found)
        return done.stdout if done.status == 0 else None

    def find_fault(self, wanted: Repository, credentials: Mapping[str, str]) -> EnvsyncError | None:
        """Return why *wanted* can't be fetched, None if it can."""
        if shutil.which("git") is None:
            return EnvsyncError(f"`{wanted}` needs git, which is not installed", hint="install git")
        if self._is_offline and not wanted.url.startswith("file://"):
            return None if self._has(wanted) else _not_cached(wanted)
        git = _Git(self._root, credentials)
        done = git.run("ls-remote", "--quiet", "--", wanted.url, where=False)
        if done.status != 0:
            return _cannot_read(wanted, done, credentials)
        names = {line.partition("\t")[2] for line in done.stdout.splitlines()}
        known = {f"refs/heads/{wanted.revision}", f"refs/tags/{wanted.revision}", wanted.revision}
        if wanted.is_pinned:
            try:
                self.provide(wanted, credentials)
            except EnvsyncError as error:
                return error
        elif wanted.revision and not known & names and not _may_be_short(wanted.revision):
            return EnvsyncError(
                f"`{wanted.url}` has no branch or tag `{wanted.revision}`",
                hint="see `git ls-remote " + wanted.url + "` for what it has",
            )
        return None

    def _path(self, repository: Repository) -> Path:
        return self._root / f"{hashlib.sha256(repository.url.encode()).hexdigest()[:32]}.git"

    def _has(self, pin: Repository) -> bool:
        return pin.is_pinned and _Git(self._path(pin), {}).has(pin.revision)

    def _fetch(self, git: _Git, pin: Repository, credentials: Mapping[str, str]) -> None:
        if self._is_offline and not pin.url.startswith("file://"):
            raise _not_cached(pin)
        git.make()
        # History and tags come along, since some packages take their version from them.
        done = git.run("fetch", "--quiet", "--force", "--tags", "--", pin.url, pin.revision)
        if done.status != 0:  # old servers serve no commit by its id
            done = git.run("fetch", "--quiet", "--force", "--", pin.url, *_EVERYTHING)
        if done.status != 0:
            raise _cannot_read(pin, done, credentials)
        if not git.has(pin.revision, mark=True):
            raise EnvsyncError(
                f"`{pin.url}` has no commit `{pin.revision}`",
                hint="it may have been removed by a forced push; lock another",
            )


class _Git:
    def __init__(self, path: Path, credentials: Mapping[str, str]) -> None:
        self.path = path
        own = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        ssh = own.get("GIT_SSH_COMMAND") or "ssh -o BatchMode=yes -o ConnectTimeout=30"
        self.environ = {
            **own,
            **_QUIET,
            **list_git_settings(credentials, own),
            "GIT_SSH_COMMAND": ssh,
        }

    def make(self) -> None:
        """Create the repository, in place of anything else that is there."""
        if self.path.exists() and self.run("rev-parse", "--git-dir").status != 0:
            remove_tree(self.path)
        for left in self.path.rglob("*.lock"):  # by a process that died: this one holds the lock
            left.unlink(missing_ok=True)
        done = self.run("init", "--quiet", "--bare", str(self.path), where=False)
        for key, value in (("gc.auto", "0"), ("uploadpack.allowAnySHA1InWant", "true")):
            if done.status == 0:
                done = self.run("config", key, value)
        if done.status != 0:
            raise EnvsyncError(f"Cannot write `{self.path}`: {_last_line(done)}")

    def has(self, commit: str, *, mark: bool = False) -> bool:
        """Return whether *commit* is complete here; *mark* it as complete first."""
        name = f"refs/heads/locked-{commit}"
        if not self.path.exists():
            return False
        if mark:
            self.run("update-ref", name, f"{commit}^{{commit}}")
        return self.run("rev-parse", "--quiet", "--verify", name).stdout.strip() == commit

    def run(self, *words: str, where: bool = True) -> process.Completed:
        """Run git, on the repository unless *where* is false."""
        place = ("--git-dir", str(self.path)) if where else ()
        settings = [
            word
            for key, value in {**_PATIENCE, **_HARMLESS}.items()
            for word in ("-c", f"{key}={value}")
        ]
        try:
            return process.run(["git", *settings, *place, *words], env=self.environ)
        except EnvsyncError as error:
            raise EnvsyncError(
                "Git is needed for a pip requirement, and is not installed", hint="install git"
            ) from error


def hash_commit(git: _Git, commit: str) -> str:
    """Return the sha256 of the content of *commit*.

    It covers a line for each file, in git's order: mode, sha256 of its bytes (or the commit of a
    submodule), a tab, its path, a NUL.
    """
    digest = hashlib.sha256()
    for line in _list_content(git, commit):
        digest.update(line)
    return digest.hexdigest()


def _list_content(git: _Git, commit: str) -> Iterator[bytes]:
    listed = git.run("-c", "core.quotePath=false", "ls-tree", "-r", "-z", "--full-tree", commit)
    if listed.status != 0:
        raise EnvsyncError(f"Cannot read `{git.path}`: {_last_line(listed)}")
    known: dict[str, str] = {}
    command = ["git", "--git-dir", str(git.path), "cat-file", "--batch"]
    with process.start(command, env=git.environ) as child:
        stdin, stdout = child.stdin, child.stdout
        assert stdin is not None  # noqa: S101  # both are pipes
        assert stdout is not None  # noqa: S101
        for entry in listed.stdout.split("\0")[:-1]:
            head, _, name = entry.partition("\t")
            mode, kind, object_id = head.split(" ")
            if kind == "blob" and object_id not in known:
                stdin.write(f"{object_id}\n".encode())
                stdin.flush()
                answer = stdout.readline().split()
                if len(answer) != 3:  # noqa: PLR2004  # id, kind and size
                    raise EnvsyncError(f"`{git.path}` lacks the content of `{name}`")
                hashed = _hash_next(stdout, int(answer[2]))
                if hashed is None or not stdout.read(1):
                    raise EnvsyncError(f"`{git.path}` lacks a part of the content of `{name}`")
                known[object_id] = hashed
            yield f"{mode} {known.get(object_id, object_id)}\t{name}\0".encode(errors="replace")


def _hash_next(stream: IO[bytes], size: int) -> str | None:
    digest = hashlib.sha256()
    while size > 0:
        part = stream.read(min(size, _PART))
        if not part:
            return None
        digest.update(part)
        size -= len(part)
    return digest.hexdigest()


def _not_cached(wanted: Repository) -> EnvsyncError:
    return EnvsyncError(
        f"`{wanted}` is not in the cache", hint=advise("run this once without ", Option("offline"))
    )


def _may_be_short(revision: str) -> bool:
    return len(revision) >= 4 and set(revision) <= set("0123456789abcdef")  # noqa: PLR2004


def _cannot_read(
    wanted: Repository, done: process.Completed, credentials: Mapping[str, str]
) -> EnvsyncError:
    hint = "check the address, and that you may read it with `git ls-remote`"
    if wanted.url in credentials:
        hint += "; with credentials, redirects are not followed, so give the final address"
    return EnvsyncError(f"Cannot read `{wanted.url}`: {_last_line(done)}", hint=hint)


def _last_line(done: process.Completed) -> str:
    """Return the most telling line of git's report, without its label and without secrets."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "ssh:"))]
    line = (telling or lines or [f"git ended with status {done.status}"])[0]
    return redact_url(line.partition(": ")[2] if line.startswith(("fatal", "error")) else line)
