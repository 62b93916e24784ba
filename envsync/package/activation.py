"""The variables that activation would set, from reading conda's scripts without running them.

The environment of an image is active from the start. Its packages may have variables in
`etc/conda/env_vars.d` and small shell scripts in `etc/conda/activate.d`. This module understands
the few forms that such scripts have in practice; a script that does more is reported.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

FOLDERS = ("etc/conda/env_vars.d/", "etc/conda/activate.d/")

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_ASSIGNMENT = re.compile(rf"(?P<name>{_NAME})=(?P<value>.*)", re.DOTALL)
_VARIABLE = re.compile(
    rf"\$(?:(?P<plain>{_NAME})|\{{(?P<braced>{_NAME})(?:(?P<kind>:?[-+])(?P<other>[^${{}}]*))?\}})"
)
_QUOTED = re.compile(r"'(?P<literal>[^']*)'|\"(?P<text>(?:[^\"\\]|\\.)*)\"|(?P<bare>[^'\"]+)")
_WORD = re.compile(r"""(?:'[^']*'|"(?:[^"\\]|\\.)*"|[^\s;&|'"])+|&&|\|\||[;&|]""")
_BEYOND = re.compile(r"[`*?(){}<>\[\]~\\$]")  # not allowed in a bare word
_LONGEST_VALUE = 1 << 17  # bytes of a variable, as in Linux
_LONGEST_SCRIPT = 1 << 20
_WITHOUT_EFFECT = (":", "echo", "true")
_BACKUPS = ("_CONDA_", "CONDA_BACKUP_", "CONDA_PREFIX_")


class _NotUnderstoodError(Exception):
    """A script does something that this module does not understand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Activation:
    """The *variables* that activation would set, and the scripts that were *not_understood*."""

    variables: tuple[tuple[str, str], ...] = ()
    not_understood: tuple[str, ...] = ()


def is_for_activation(path: str) -> bool:
    """Return whether the file at *path* takes part in activation in a POSIX shell."""
    return any(folder in path for folder in FOLDERS) and path.endswith((".json", ".sh"))


def read_activation(
    files: Mapping[str, bytes], *, environment: Mapping[str, str], exists: Callable[[str], bool]
) -> Activation:
    """Return what *files*, by path, would set in an *environment*, sorted by name.

    *exists* returns whether a path exists when the scripts run.
    """
    variables = dict(environment)
    not_understood = []
    for path, content in sorted(files.items()):
        changed = dict(variables)
        if len(content) > _LONGEST_SCRIPT:
            not_understood.append(path)
            continue
        try:
            if path.endswith(".json"):
                changed |= {name: str(value) for name, value in json.loads(content).items()}
            else:
                _Reader(changed, exists).read(content.decode())
        except (_NotUnderstoodError, ValueError, AttributeError, RecursionError):
            not_understood.append(path)
        else:
            variables = changed
    return Activation(
        variables=tuple(
            (name, value)
            for name, value in sorted(variables.items())
            if environment.get(name) != value and not name.startswith(_BACKUPS)
        ),
        not_understood=tuple(not_understood),
    )


class _Reader:
    """Follows a script that exports variables, under conditions about variables and paths."""

    def __init__(self, variables: dict[str, str], exists: Callable[[str], bool]) -> None:
        self._variables = variables
        self._exists = exists
        self._branches: list[_Branch] = []

    def read(self, script: str) -> None:
        for statement in _split(script):
            if not self._read_structure(statement) and all(it.is_taken for it in self._branches):
                self._read_command(statement)
        if self._branches:
            raise _NotUnderstoodError

    def _read_structure(self, statement: list[str]) -> bool:
        """Follow `if`, `elif`, `else` and `fi`; return whether it was one of these."""
        word, rest = statement[0], statement[1:]
        if word == "if":
            is_reached = all(it.is_taken for it in self._branches)
            self._branches.append(_Branch(is_reached and self._test(rest)))
            return True
        if word not in ("elif", "else", "fi"):
            return False
        if not self._branches:
            raise _NotUnderstoodError
        if word == "fi":
            self._branches.pop()
            return True
        is_reached = all(it.is_taken for it in self._branches[:-1])
        self._branches[-1].turn(is_reached and (word == "else" or self._test(rest)))
        return True

    def _read_command(self, statement: list[str]) -> None:
        for joint in ("&&", "||"):
            if joint in statement:
                at = statement.index(joint)
                if self._test(statement[:at]) is (joint == "&&"):
                    self._read_command(statement[at + 1 :])
                return
        if statement[0] == "unset":
            for name in statement[1:]:
                self._variables.pop(name, None)
        elif statement[0] not in _WITHOUT_EFFECT or "|" in statement:
            self._assign(statement)

    def _assign(self, statement: list[str]) -> None:
        if {"|", "&"} & set(statement):
            raise _NotUnderstoodError
        is_export = statement[0] == "export"
        for word in statement[1:] if is_export else statement:
            assignment = _ASSIGNMENT.fullmatch(word)
            if assignment is not None:
                self._variables[assignment["name"]] = self._expand(assignment["value"])
            elif not is_export or not re.fullmatch(_NAME, word):
                raise _NotUnderstoodError

    def _test(self, words: list[str]) -> bool:
        if words and words[0] == "!":
            return not self._test(words[1:])
        closing = {"[": "]", "[[": "]]"}.get(words[0] if words else "")
        if closing is None or words[-1] != closing:
            raise _NotUnderstoodError
        inside = words[1:-1]
        if inside[:1] == ["!"]:
            return not self._judge(inside[1:])
        return self._judge(inside)

    def _judge(self, inside: list[str]) -> bool:
        values = [word if word.startswith("-") else self._expand(word) for word in inside]
        if len(values) == 2:  # noqa: PLR2004  # an operator and what it looks at
            operator, value = values
            if operator in ("-n", "-z"):
                return bool(value) is (operator == "-n")
            if operator in ("-d", "-e", "-f"):
                return self._exists(value)
        if len(values) == 3 and values[1] in ("=", "==", "!="):  # noqa: PLR2004
            return (values[0] == values[2]) is (values[1] != "!=")
        raise _NotUnderstoodError

    def _expand(self, word: str) -> str:
        parts: list[str] = []
        position = 0
        while position < len(word):
            match = _QUOTED.match(word, position)
            if match is None:
                raise _NotUnderstoodError
            position = match.end()
            if sum(map(len, parts)) > _LONGEST_VALUE:
                raise _NotUnderstoodError
            if match["literal"] is not None:
                parts.append(match["literal"])
                continue
            text = match["text"] if match["text"] is not None else match["bare"]
            if _BEYOND.search(_VARIABLE.sub("", text)):
                raise _NotUnderstoodError
            parts.append(_VARIABLE.sub(self._look_up, text))
        value = "".join(parts)
        if len(value) > _LONGEST_VALUE:
            raise _NotUnderstoodError
        return value

    def _look_up(self, match: re.Match[str]) -> str:
        value = self._variables.get(match["plain"] or match["braced"])
        kind, other = match["kind"] or "", match["other"] or ""
        is_there = bool(value) if kind.startswith(":") else value is not None
        if kind.endswith("+"):
            return other if is_there else ""
        return value if is_there and value is not None else other


class _Branch:
    """An `if` with its `elif`s and its `else`, of which at most one is taken."""

    def __init__(self, is_taken: bool) -> None:  # noqa: FBT001  # its only value
        self.is_taken = is_taken
        self._was_taken = is_taken

    def turn(self, is_met: bool) -> None:  # noqa: FBT001
        """Go to the next branch, whose condition *is_met*."""
        self.is_taken = is_met and not self._was_taken
        self._was_taken = self._was_taken or self.is_taken


def _split(script: str) -> Iterator[list[str]]:
    """Yield the statements of *script* as words with their quotes, without `then`."""
    for line in script.replace("\\\n", " ").splitlines():
        words = takewhile(lambda word: not word.startswith("#"), _WORD.findall(line))
        yield from _cut(words)


def _cut(words: Iterable[str]) -> Iterator[list[str]]:
    statement: list[str] = []
    for word in (*words, ";"):
        if word in ("then", "else") and not statement:
            if word == "else":
                yield [word]
            continue
        if word != ";":
            statement.append(word)
        elif statement:
            yield statement
            statement = []
