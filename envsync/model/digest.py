"""Digests of blobs, which become file names and parts of URLs."""

from __future__ import annotations

import re
from typing import NewType

Digest = NewType("Digest", str)  # `sha256:` and 64 lower-case hexadecimal digits

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def parse_digest(value: object) -> Digest:
    """Return *value* as a digest.

    Raises:
        ValueError: it is not a sha256 digest.
    """
    if not isinstance(value, str) or not DIGEST.fullmatch(value):
        raise ValueError("a digest is `sha256:` and 64 hexadecimal digits")
    return Digest(value)


def parse_size(value: object) -> int:
    """Return *value* as a number of bytes.

    Raises:
        ValueError: it is not one.
    """
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise ValueError("a size is a number of bytes")
    return value
