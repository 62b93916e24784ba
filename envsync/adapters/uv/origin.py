"""What a definition says of where its pip packages come from, and a lock does not keep."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from envsync.lock.local_files import find_relative_path
from envsync.model.channel import redact_url
from envsync.model.repository import find_userinfo, parse_repository
from envsync.model.text.redaction import LOOSE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from envsync.model.repository import Repository

_OPTION = re.compile(
    r"(?P<option>-i|-f|--(?:index-url|extra-index-url|find-links|no-index|trusted-host))"
    r"(?:[\s=]+(?P<value>\S+))?\s*"
)
# uv's variable for each option of pip's, and what stands between several values of one.
_SETTINGS = {
    **dict.fromkeys(("-i", "--index-url"), ("UV_DEFAULT_INDEX", None)),
    **dict.fromkeys(("-f", "--find-links"), ("UV_FIND_LINKS", ",")),
    "--extra-index-url": ("UV_EXTRA_INDEX_URL", " "),
    "--no-index": ("UV_NO_INDEX", None),
    "--trusted-host": ("UV_INSECURE_HOST", " "),
}
_USUAL_INDEX = "https://pypi.org/simple"
_FILES_OF = {"files.pythonhosted.org": "pypi.org"}  # where an index has its files elsewhere
_KIND = re.compile(r"--(?:no|only)-binary\b")
_ADDRESS = re.compile(r"(?:git\+)?(?:https?|ssh|file|git)://[^\s;]+")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_GIT_USERINFO = re.compile(
    r"(git\+https?://)[^/?#\s]*@|(git\+ssh://[^/:@\s]*):[^/?#\s]*(?=@)", re.IGNORECASE
)
_GIT_QUERY = re.compile(r"(git\+\w+://[^?#\s]*)\?[^@#\s]*", re.IGNORECASE)
_HASH = re.compile(r"(?<=\S)#([^\s;#]+)")
_HASH_KEY = re.compile(r"(?:md5|sha1|sha224|sha256|sha384|sha512)=")


@dataclass(frozen=True, kw_only=True, slots=True)
class PipOrigin:
    """The *directory* of a lock, and the *lines* (requirements and options) of its definition.

    Relative paths in the lines start at *lines_directory*, if that is another. They may hold
    credentials, which are used and never written down. What builds source code was published
    before *cut_off*.
    """

    directory: Path = Path()
    lines_directory: Path | None = None
    lines: tuple[str, ...] = ()
    cut_off: datetime | None = None

    @property
    def start(self) -> Path:
        """Where uv is to be started, so that paths are what they are meant to be."""
        return (self.lines_directory or self.directory).absolute()

    def list_index_settings(self) -> dict[str, str]:
        """Return the variables that tell uv of the definition's indexes.

        Not arguments, which every user of the machine can list.
        """
        found: dict[str, str] = {}
        for line in self._expand():
            if match := _OPTION.fullmatch(line):
                name, separator = _SETTINGS[match["option"]]
                value = match["value"] or "1"
                is_more = separator is not None and name in found
                found[name] = f"{found[name]}{separator}{value}" if is_more else value
        if self.cut_off is not None:
            found["UV_EXCLUDE_NEWER"] = self.cut_off.strftime("%Y-%m-%dT%H:%M:%SZ")
        return found

    def list_unset(self) -> tuple[str, ...]:
        """Return the environment variables that are named and are not there."""
        named = (name for line in self.lines for name in _VARIABLE.findall(line))
        return tuple(name for name in dict.fromkeys(named) if name not in os.environ)

    def list_kinds(self) -> tuple[str, ...]:
        """Return the options that say which packages may not be wheels, or source code."""
        return tuple(line for line in self.lines if _KIND.match(line))

    def list_addresses(self) -> dict[str, str]:
        """Return the addresses of archives as they are asked for, by what a lock has of them."""
        return {redact_url(url.partition("#")[0]): url.partition("#")[0] for url in self._urls()}

    def list_repositories(self) -> tuple[Repository, ...]:
        """Return the git repositories."""
        found = (parse_repository(url) for url in self._urls())
        return tuple(repository for repository in found if repository is not None)

    def list_git_credentials(self) -> dict[str, str]:
        """Return user and password (or token) for each git repository that has them, by URL."""
        return {
            repository.url: userinfo
            for url in self._urls()
            if (repository := parse_repository(url)) and (userinfo := find_userinfo(url))
        }

    def resolve(self, url: str) -> str:
        """Return the address to get what a lock has at *url* from; credentials may be in it."""
        path = find_relative_path(url)
        if path is not None:
            return (self.directory.absolute() / path).as_uri()
        return self.list_addresses().get(url, url)

    def list_indexes(self) -> tuple[str, ...]:
        """Return the indexes that uv asks, with what is secret in their addresses."""
        said = {**os.environ, **self.list_index_settings()}
        if said.get("UV_NO_INDEX"):
            return ()
        usual = said.get("UV_DEFAULT_INDEX") or said.get("UV_INDEX_URL") or _USUAL_INDEX
        return (usual, *said.get("UV_EXTRA_INDEX_URL", "").split())

    def find_index(self, url: str) -> str | None:
        """Return the one index, of those that uv asks, on whose host *url* is; None for no or two.

        Under its name uv's cache has what it got from there. Without it uv asks the server again.
        """
        indexes = map(redact_url, self.list_indexes())
        host = urlsplit(url).netloc
        host = _FILES_OF.get(host, host)
        found = [each for each in indexes if host and urlsplit(each).netloc == host]
        return found[0] if len(found) == 1 else None

    def _urls(self) -> Iterator[str]:
        for line in self._expand():
            yield from _ADDRESS.findall(line)

    def _expand(self) -> Iterator[str]:
        yield from map(expand, self.lines)


def expand(line: str) -> str:
    """Return *line* with the values of environment variables where it names them, as pip does."""
    return _VARIABLE.sub(lambda match: os.environ.get(match[1], match[0]), line)


def spell_for_uv(line: str) -> str:
    """Return *line* without what uv is not to see of it.

    That are credentials of a git repository, which git gets otherwise, a query in its address,
    which git would be started with, and hashes behind an address, which uv would believe without
    a look at the file.
    """
    if "git+" in line.lower():
        line = _GIT_QUERY.sub(r"\1", _GIT_USERINFO.sub(r"\1\2", expand(line)))
        address, hash_sign, fragment = line.partition("#")
        line = f"{LOOSE.sub('', address)}{hash_sign}{fragment}"
    return _HASH.sub(_drop_hashes, line) if "#" in line else line


def _drop_hashes(match: re.Match[str]) -> str:
    kept = [each for each in match[1].split("&") if not _HASH_KEY.match(each)]
    return f"#{'&'.join(kept)}" if kept else ""
