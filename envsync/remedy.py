"""What to do after a failure, as a value that the command line and the SDK word differently.

The library knows which option to set and which step to take; each face knows how to spell the
option, and which command or call takes the step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Action = Literal[
    "lock",
    "build-local",
    "verify",
    "diff",
    "add",
    "remove",
    "save-to-directory",
    "model register",
    "model list",
    "model delete",
    "service list",
    "service delete",
]


@dataclass(frozen=True, slots=True)
class Option:
    """A setting, named as a Python argument: `no_build`.

    *value* is empty for a switch, and if the reader has to choose.
    """

    name: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """Another action to take; its *arguments* are paths, names or placeholders."""

    action: Action
    arguments: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Repair:
    """An edit that fixes a value and keeps its meaning; *text* is the new value."""

    kind: Literal["rename key", "set text", "quote", "unquote", "remove item"]
    text: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Remedy:
    """An instruction of words, options and steps; see `advise`.

    *repair* is set if a program can follow the instruction. A remedy equals its text.
    """

    parts: tuple[str | Option | Step, ...]
    repair: Repair | None = None

    def __str__(self) -> str:
        return say(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (str, Remedy)) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


def advise(*parts: str | Option | Step | Remedy) -> Remedy:
    """Return *parts* as one instruction: `advise("name one with ", Option("base"))`."""
    flat: list[str | Option | Step] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Remedy) else (part,))
    return Remedy(tuple(flat))


Hint: TypeAlias = "str | Remedy"


def say(hint: Hint) -> str:
    """Return *hint* as text, worded for the face in use."""
    if isinstance(hint, str):
        return hint
    return "".join(part if isinstance(part, str) else _word(part) for part in hint.parts)


def _spell(part: Option | Step) -> str:
    """Word *part* while no face is in use."""
    words = (part.name, part.value) if isinstance(part, Option) else (part.action, *part.arguments)
    return f"`{' '.join(filter(None, words))}`"


_word: Callable[[Option | Step], str] = _spell


def use_words(word: Callable[[Option | Step], str]) -> None:
    """Word options and steps with *word*; each face calls this when it starts."""
    global _word  # noqa: PLW0603  # one process shows one face
    _word = word
