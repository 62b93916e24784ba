"""Remedies as options and commands to paste."""

from __future__ import annotations

from envsync.model.text.wording import shell_quote
from envsync.remedy import Option, Step

# Options that are not spelled as their setting is named.
_SPELLED = {"prefix": "-p", "allowed_host": "--allowed-host"}


def word_remedy(part: Option | Step) -> str:
    """Return *part* as it is typed, in backticks."""
    if isinstance(part, Option):
        return f"`{_spell(part)}`"
    words = ["envsync", part.action]
    words += [_spell(option) for option in part.options]
    words += [shell_quote(argument) for argument in part.arguments]
    return f"`{' '.join(words)}`"


def _spell(option: Option) -> str:
    name = _SPELLED.get(option.name, f"--{option.name.replace('_', '-')}")
    return f"{name} {shell_quote(option.value)}" if option.value else name
