"""Findings as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.cli._group import warn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envsync.errors import Finding


def show_warnings(findings: Iterable[Finding]) -> None:
    """Print each of *findings* as a warning to stderr."""
    for finding in findings:
        warn(finding.text, finding.hint)
