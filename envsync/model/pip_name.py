"""The spelling in which names of pip packages are compared."""

from __future__ import annotations

import re


def normalize_pip_name(name: str) -> str:
    """Return *name* as PEP 503 has it, as `packaging` does, which takes longer to load."""
    return re.sub(r"[-_.]+", "-", name).lower()
