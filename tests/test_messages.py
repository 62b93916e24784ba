"""Every error and hint in the source, held against the house's rules for how they read."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

import envsync

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOM = Path(envsync.__file__).parent
STANDS_FOR = "\N{HORIZONTAL ELLIPSIS}"  # what is only known when the message is made
MESSAGE, HINT = "message", "hint"


class Said(NamedTuple):
    place: str
    role: str
    text: str


def family(trees: dict[Path, ast.Module]) -> set[str]:
    """Return the names of all classes that come from `EnvsyncError`."""
    classes = [node for tree in trees.values() for node in ast.walk(tree)]
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for node in classes
        if isinstance(node, ast.ClassDef)
    }
    found = {"EnvsyncError"}
    while more := {name for name, from_ in bases.items() if from_ & found} - found:
        found |= more
    return found


def text_of(node: ast.expr | None) -> str | None:
    """Return the text that *node* makes, None if nothing of it is written there."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) or STANDS_FOR for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return "".join(text_of(side) or STANDS_FOR for side in (node.left, node.right))
    return None


def texts_of(node: ast.expr | None, written: dict[str, ast.expr]) -> Iterator[str]:
    """Yield each text that *node* may be, through a name and both ways of a choice."""
    if isinstance(node, ast.Name):
        node = written.get(node.id)
    if isinstance(node, ast.IfExp):
        yield from texts_of(node.body, {})
        yield from texts_of(node.orelse, {})
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from texts_of(value, {})
    elif (text := text_of(node)) is not None:
        yield text


def list_said(tree: ast.Module, file: str, errors: set[str]) -> Iterator[Said]:
    functions = [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.Module))]
    seen: set[ast.Call] = set()
    for function in reversed(functions):  # the innermost first: it knows its names
        written = {
            node.targets[0].id: node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and call not in seen and name_of(call) in errors:
                seen.add(call)
                hints = [each.value for each in call.keywords if each.arg == HINT]
                for role, nodes in ((MESSAGE, call.args[:1]), (HINT, hints)):
                    for text in (it for node in nodes for it in texts_of(node, written)):
                        yield Said(f"{file}:{call.lineno}", role, text)


def name_of(call: ast.Call) -> str:
    last = call.func.attr if isinstance(call.func, ast.Attribute) else call.func
    return last.id if isinstance(last, ast.Name) else last if isinstance(last, str) else ""


@functools.cache
def read_source() -> list[Said]:
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in ROOM.rglob("*.py")}
    errors = family(trees) | {"UsageError"}
    return [
        said
        for path, tree in sorted(trees.items())
        for said in list_said(tree, str(path.relative_to(ROOM)), errors)
    ]


PROGRAMS = r"(conda|git|pip|rattler|uv)\b"  # which begin a sentence as they are written
RULES = {
    MESSAGE: {
        "begins with a small letter": rf"(?!{PROGRAMS})[a-z]",
        "calls something invalid, which doesn't say what is valid": r"(?i).*\b(in|un)valid\b",
        "apologizes": r"(?i).*\b(please|sorry|oops)\b",
    },
    HINT: {
        "begins with a capital letter": r"(?![A-Z]{2}|[A-Z]\w* ML\b)[A-Z]",
        "has more than one line": r".*\n",
    },
}
ALWAYS = {
    "is empty, or has space around it": r"\s|\Z|.*\s\Z",
    "ends with a full stop": r"(?!.*[.] ).*[^.][.]\Z",
    "opens a backtick and does not close it": r"[^`]*`([^`]*`[^`]*`)*[^`]*\Z",
    "quotes with apostrophes in place of backticks": rf".*(?<!\w)'[\w{STANDS_FOR}-]+'",
    "has a plural in brackets": r".*\((e?s|ies)\)",
}


def faults_of(said: Said) -> list[str]:
    """Return the rules of the house that *said* breaks."""
    rules = {**ALWAYS, **RULES[said.role]}
    return [fault for fault, breach in rules.items() if re.match(breach, said.text, re.DOTALL)]


@pytest.mark.parametrize("role", [MESSAGE, HINT])
def test_every_message_and_hint_keeps_the_rules(role: str) -> None:
    held = [said for said in read_source() if said.role == role]

    assert len(held) > 150
    assert [(said, fault) for said in held for fault in faults_of(said)] == []


@pytest.mark.parametrize(
    ("role", "text", "fault"),
    [
        (MESSAGE, "cannot read `x`", "begins with a small letter"),
        (MESSAGE, "Cannot read `x`.", "ends with a full stop"),
        (MESSAGE, "Cannot read `x", "opens a backtick and does not close it"),
        (MESSAGE, "Cannot read 'x'", "quotes with apostrophes in place of backticks"),
        (MESSAGE, "1 file(s) differ", "has a plural in brackets"),
        (HINT, "Run it again", "begins with a capital letter"),
        (HINT, "run it\nagain", "has more than one line"),
        (HINT, "", "is empty, or has space around it"),
    ],
)
def test_what_breaks_a_rule_is_noticed(role: str, text: str, fault: str) -> None:
    assert faults_of(Said("x.py:1", role, text)) == [fault]


def test_messages_are_found_through_names_choices_and_classes_of_their_own() -> None:
    code = """
class OwnError(EnvsyncError): ...
def f(n):
    message = f"Has {n}"
    if n:
        raise OwnError(message, hint="do" if n else "don't")
    raise EnvsyncError("A " + n)
"""
    tree = ast.parse(code)

    assert {said[1:] for said in list_said(tree, "x.py", family({Path(): tree}))} == {
        (MESSAGE, f"Has {STANDS_FOR}"),
        (HINT, "do"),
        (HINT, "don't"),
        (MESSAGE, f"A {STANDS_FOR}"),
    }
