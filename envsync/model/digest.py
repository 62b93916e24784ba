"""Digests: the names of blobs, which become names of files and parts of addresses."""

from __future__ import annotations

import re
from typing import NewType

Digest = NewType("Digest", str)  # `sha256:` and 64 lower-case hexadecimal digits

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def parse_digest(value: object) -> Digest:
    """Return the digest that *value* is.

    Raises:
        ValueError: it is none, or of another kind than sha256.
    """
    if not isinstance(value, str) or not DIGEST.fullmatch(value):
        raise ValueError("a digest is `sha256:` and 64 hexadecimal digits")
    return Digest(value)


def parse_size(value: object) -> int:
    """Return the number of bytes that *value* is.

    Raises:
        ValueError: it is none.
    """
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise ValueError("a size is a number of bytes")
    return value
