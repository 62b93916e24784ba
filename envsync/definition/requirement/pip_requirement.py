"""One pip requirement taken apart, and what keeps it from being locked for good."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envsync.definition.requirement.pip_line import is_direct, split_options
from envsync.model.pip_name import normalize_pip_name
from envsync.model.pip_section import PipRequirement
from envsync.model.repository import parse_repository
from envsync.model.text.redaction import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envsync.model.pip_section import PipSource

_VCS = re.compile(r"(?:git|hg|svn|bzr)\+")
_ADDRESS = re.compile(r"(?:https?|ftp)://", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")
_VARIABLE = re.compile(r"\$\{[A-Z0-9_]+\}")
_BESIDE = re.compile(r"(?![/~\\]|[A-Za-z]+:)(?!.*(?:^|[/\\])\.\.[/\\]).*")
_LOCAL_ARCHIVE = re.compile(r".+\.(?:whl|tar\.gz|tar\.bz2|tgz|zip)")
_HASH = re.compile(r"--hash[=\s]\s*(\S+)")
_HASH_FRAGMENT = re.compile(r"[#&](?:md5|sha1|sha224|sha256|sha384|sha512)=")
_EXACT = re.compile(r"===?[^,*]+")
_EGG = re.compile(r"#(?:.*&)?egg=([A-Za-z0-9._-]+)")
_WHEEL = re.compile(r"([A-Za-z0-9._]+)-[^/?#]*\.whl(?:[?#]|$)")
_SDIST = re.compile(r"([A-Za-z0-9._-]+?)-\d[^/?#]*\.(?:tar\.gz|zip)(?:[?#]|$)")
_EXTRAS = re.compile(r"(?P<place>[^\[\]?#]*)\[(?P<extras>[^\[\]]*)\](?P<rest>.*)")


def parse_requirement(line: str, *, is_editable: bool = False) -> PipRequirement:
    """Return *line*, whose form has been checked, taken apart."""
    text, options = split_options(line)
    hashes = tuple(match[1] for option in options if (match := _HASH.match(option)))
    if is_editable or is_direct(text):
        return _parse_direct(text, hashes, is_editable=is_editable)
    from packaging.requirements import Requirement  # noqa: PLC0415  # heavy, and `check` is light

    parsed = Requirement(text)
    return PipRequirement(
        text=text,
        source="index" if parsed.url is None else _find_source(parsed.url),
        name=normalize_pip_name(parsed.name),
        extras=tuple(sorted(parsed.extras)),
        specifier=str(parsed.specifier),
        marker="" if parsed.marker is None else str(parsed.marker),
        url=parsed.url,
        hashes=hashes,
    )


def list_risks(requirement: PipRequirement) -> Iterator[tuple[str, str | None]]:
    """Yield what keeps *requirement* from being locked for good: what is the case, what to do."""
    url = requirement.url or ""
    if requirement.is_editable:
        is_repository = requirement.source == "version control"
        hint = "drop the `-e`: then it is pinned" if is_repository else "install a wheel of it"
        yield "is editable, so its code may change after the lock", hint
    elif requirement.source == "local" and not (_LOCAL_ARCHIVE.fullmatch(url) and is_beside(url)):
        yield "lies on this machine only", "put a wheel of it beside the definition"
    if requirement.source == "version control" and parse_repository(url) is None:
        yield "is no git repository that can be locked", "write it as `git+https://HOST/PATH@TAG`"
    if requirement.source == "address" and "?" in url:
        yield "may hold a secret after `?`, which no lock can keep", "put it on an index"
    if _VARIABLE.search(_USERINFO.sub("", requirement.text)):
        yield "takes a part of itself from an environment variable", "write the value"


def explain_unhashed(requirement: PipRequirement) -> tuple[str, str] | None:
    """Return why pip's `--require-hashes` refuses *requirement*, and what to do, if it does."""
    text = quote(requirement.text)
    hint = "drop `--require-hashes`: a lock holds every hash all the same"
    if requirement.is_editable or requirement.source == "version control":
        return f"{text} can have no hash, which `--require-hashes` asks for", hint
    if requirement.source == "index" and not _EXACT.fullmatch(requirement.specifier):
        return f"{text} is not pinned by `==`, which `--require-hashes` asks for", hint
    if requirement.hashes or _HASH_FRAGMENT.search(requirement.url or ""):
        return None
    return f"{text} states no `--hash`, which `--require-hashes` asks for", f"state it, or {hint}"


def is_beside(path: str) -> bool:
    """Tell whether *path* lies in the definition's directory, or below it."""
    return bool(_BESIDE.fullmatch(path))


def _parse_direct(text: str, hashes: tuple[str, ...], *, is_editable: bool) -> PipRequirement:
    url, _, marker = text.partition(" ;")
    url = url.strip()
    source = _find_source(url)
    bracketed = _EXTRAS.fullmatch(url) if source == "local" else None
    if bracketed is not None:
        url = bracketed["place"] + bracketed["rest"]
    extras = bracketed["extras"].split(",") if bracketed is not None else []
    name = _EGG.search(url) or _WHEEL.search(url) or _SDIST.search(url)
    return PipRequirement(
        text=text,
        source=source,
        name=None if name is None else normalize_pip_name(name[1]),
        extras=tuple(sorted(extra.strip() for extra in extras if extra.strip())),
        marker=marker.strip(),
        url=url,
        hashes=hashes,
        is_editable=is_editable,
    )


def _find_source(url: str) -> PipSource:
    if _VCS.match(url):
        return "version control"
    return "address" if _ADDRESS.match(url) else "local"
