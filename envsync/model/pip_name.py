"""Normalised names of pip packages."""

from __future__ import annotations

import re


def normalize_pip_name(name: str) -> str:
    """Return *name* normalised (PEP 503); importing `packaging` for it takes longer."""
    return re.sub(r"[-_.]+", "-", name).lower()
