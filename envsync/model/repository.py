"""Git repositories in pip requirements and locks."""

from __future__ import annotations

import re
from binascii import b2a_base64
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from envsync.model.inner_path import parse_inner_path
from envsync.model.text.redaction import LOOSE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ADDRESS = re.compile(
    r"git\+(?P<scheme>https?|ssh|file|git)://(?:(?P<userinfo>[^/?#\s]*)@)?"
    r"(?P<place>[^@?#\s]+?)(?:@(?P<revision>[^#\s]+))?(?:#(?P<fragment>\S*))?"
)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHORTEST_TOKEN = 20  # characters; names of users and organisations are shorter
_SUBDIRECTORY = re.compile(r"(?<=[#&])subdirectory=([^&\s]*)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    """A package in *subdirectory* of the repository *url*, at a *revision* (branch, tag, commit).

    *url* has no secret, and no `git+` before it. Without *revision* it is the default branch.
    """

    url: str
    revision: str = ""
    subdirectory: str = ""

    @property
    def is_pinned(self) -> bool:
        """Whether the revision is a full commit id."""
        return bool(_COMMIT.fullmatch(self.revision))

    def __str__(self) -> str:
        """Return the address as a pip requirement spells it."""
        revision = f"@{self.revision}" if self.revision else ""
        place = f"#subdirectory={quote(self.subdirectory)}" if self.subdirectory else ""
        return f"git+{self.url}{revision}{place}"


def parse_repository(address: str) -> Repository | None:
    """Return the repository at *address* (`git+https://…@v1#subdirectory=x`), if it is one.

    Return None if the subdirectory leads outside, or if there is a secret outside of the userinfo,
    since git would get it as an argument.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None or not has_sound_subdirectory(address) or LOOSE.search(match["place"]):
        return None
    userinfo = match["userinfo"] or ""
    # over ssh a user is not a secret, and is usually `git`
    user = f"{userinfo.partition(':')[0]}@" if match["scheme"] == "ssh" and userinfo else ""
    return Repository(
        url=f"{match['scheme']}://{user}{match['place'].rstrip('/')}",
        revision=unquote(match["revision"] or ""),
        subdirectory=next(iter(_list_subdirectories(address)), ""),
    )


def has_sound_subdirectory(address: str) -> bool:
    """Return whether the `#subdirectory=` of *address*, if any, stays inside the repository.

    Two of them are unsound: programs differ in which one they use.
    """
    found = _list_subdirectories(address)
    return len(found) < 2 and all(map(_is_inside, found))  # noqa: PLR2004  # two are ambiguous


def _list_subdirectories(address: str) -> list[str]:
    found = dict.fromkeys(_SUBDIRECTORY.findall(address))
    return [unquote(each).rstrip("/") or each for each in found if each]


def _is_inside(subdirectory: str) -> bool:
    try:
        parse_inner_path(subdirectory)
    except ValueError:
        return False
    # `%` could be decoded twice, and `-x` read as an option
    return (
        subdirectory.isprintable()
        and not subdirectory.startswith("-")
        and ("%" not in subdirectory)
    )


def find_userinfo(address: str) -> str:
    """Return the user and password (or token) for HTTP in *address*, empty if there are none."""
    match = _ADDRESS.fullmatch(address)
    is_http = match is not None and match["scheme"].startswith("http")
    return (match["userinfo"] or "") if match is not None and is_http else ""


def list_git_settings(credentials: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return variables that pass *credentials* (userinfo by URL) to git, after those in *environ*.

    Every user of the machine can read arguments, but not the environment of a process. A user
    without a password is a token if it is long; otherwise git's own helpers know the password.
    """
    count = environ.get("GIT_CONFIG_COUNT", "0")
    first = int(count) if count.isdigit() else 0
    pairs = [pair for each in sorted(credentials.items()) for pair in _list_settings(*each)]
    settings = {"GIT_CONFIG_COUNT": str(first + len(pairs))} if pairs else {}
    for number, (key, value) in enumerate(pairs, start=first):
        settings[f"GIT_CONFIG_KEY_{number}"] = key
        settings[f"GIT_CONFIG_VALUE_{number}"] = value
    return settings


def _list_settings(url: str, userinfo: str) -> Iterator[tuple[str, str]]:
    """Yield the git settings, key and value, that send *userinfo* to the server of *url*."""
    user, colon, password = userinfo.partition(":")
    if not colon and len(user) < _SHORTEST_TOKEN:
        yield f"credential.{url}.username", unquote(user)
        return
    token = b2a_base64(f"{unquote(user)}:{unquote(password)}".encode(), newline=False).decode()
    yield f"http.{url}.extraHeader", f"Authorization: Basic {token}"
    # git would send the header to the target of a redirect
    yield f"http.{url}.followRedirects", "false"
