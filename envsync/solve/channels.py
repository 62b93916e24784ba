"""The channels of a request: those a definition lists, and those its match specs name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envsync.model.channel import DEFAULT_CHANNELS, redact_url, resolve_channel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envsync.model.channel import Channel

# A channel may be narrowed down to one subdir, as in `conda-forge/linux-64::numpy`.
_SUBDIR = r"(?:/(?P<subdir>noarch|(?:linux|osx|win|emscripten|wasi)-[a-z0-9]+))?"
_QUALIFIED = re.compile(rf"\s*(?P<channel>[^\s\[=<>~!]+?){_SUBDIR}::(?P<rest>.+)", re.DOTALL)
# The bracket form says the same, and counts more where both are there (CEP 29).
_BRACKETS = re.compile(r"(?P<head>[^\[]*)\[(?P<keys>.*)\]\s*", re.DOTALL)
_KEY = re.compile(r"""(?:^|,)\s*channel\s*=\s*(?:'([^']*)'|"([^"]*)"|([^,'"]*))\s*""")


def place_channels(
    names: Sequence[str], match_specs: Sequence[str], subdir: str
) -> tuple[tuple[Channel, ...], tuple[str, ...]]:
    """Return the channels to solve over, by priority, and the specs in terms of them.

    A match spec may name a channel that *names* lacks, as in `pytorch::torchvision` or
    `torchvision[channel=pytorch]`; it is then asked last. A channel that stands for several
    addresses is, in a match spec, its first.
    """
    channels = [
        resolve_channel(name, subdir) for name in names or DEFAULT_CHANNELS if name != "nodefaults"
    ]
    specs = []
    for text in match_specs:
        match = _QUALIFIED.match(_unfold(text))
        if match is None:
            specs.append(text)
            continue
        channel = resolve_channel(match["channel"], subdir)
        known = {url for other in channels for url in other.urls}
        if not known.intersection(channel.urls):
            channels.append(channel)
        narrowed = f"/{match['subdir']}" if match["subdir"] else ""
        specs.append(f"{redact_url(channel.urls[0])}{narrowed}::{match['rest']}")
    return tuple(channels), tuple(specs)


def _unfold(text: str) -> str:
    """Return the match spec *text* with its channel in front, if it has one in brackets."""
    brackets = _BRACKETS.fullmatch(text)
    key = _KEY.search(brackets["keys"]) if brackets is not None else None
    if brackets is None or key is None:
        return text
    keys = brackets["keys"]
    rest = (keys[: key.start()] + keys[key.end() :]).strip(" ,")
    channel = next(value for value in key.groups() if value is not None).strip()
    name = brackets["head"].rpartition("::")[2].strip()
    return f"{channel}::{name}" + (f"[{rest}]" if rest else "")
