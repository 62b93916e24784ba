"""Findings as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.cli.terminal.group import warn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envsync.errors import Finding
    from envsync.workflow.environment.proof import Proof


def show_warnings(findings: Iterable[Finding]) -> None:
    """Print each of *findings* as a warning to stderr."""
    for finding in findings:
        warn(finding.text, finding.hint)


def accept(proof: Proof, *, is_checked: bool) -> str | None:
    """Return the digest that *proof* vouches for; what speaks against it is an error or a warning.

    Raises:
        EnvsyncError: the environment is not what its lock says, and *is_checked*.
    """
    if is_checked:
        return proof.check()
    if proof.problem is not None:
        warn(proof.problem.message, proof.problem.hint)
    return proof.lock_digest
