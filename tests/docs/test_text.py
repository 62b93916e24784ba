"""README and guide say what there is: commands, options, pages and links."""

from __future__ import annotations

import ast
import json
import re
import shlex
import sys
from typing import TYPE_CHECKING

import click
import pytest
from ruamel.yaml import YAML
from support.documents import (
    CHECKOUT,
    DOCUMENTS,
    GUIDE,
    README,
    list_blocks,
    list_commands,
    list_pictured,
    list_recorded,
    list_spans,
    split_words,
)

from envsync.cli.terminal.group import group

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REFERENCE = (GUIDE / "commands.md", GUIDE / "scoring-commands.md")
SHARED_OPTIONS = "Options for script, model and Python"
each_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: str(path.relative_to(CHECKOUT))
)


def walk_commands(of: click.Group = group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(of)
    for name in of.list_commands(context):
        command = of.get_command(context, name)
        if isinstance(command, click.Group):
            yield from walk_commands(command, f"{name} ")
        elif command is not None:
            yield f"{before}{name}", command


COMMANDS = dict(walk_commands())


def check_words(words: list[str], *, is_whole: bool) -> None:
    """Parse *words* as envsync does, but for the files that they name."""
    command: click.Command = group
    context = click.Context(group)
    rest = words
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(context, rest[0])
        assert found is not None, f"no command `{rest[0]}`"
        command, rest = found, rest[1:]
        context = click.Context(command, **command.context_settings)
    given, _, _ = command.make_parser(context).parse_args(list(rest))
    for parameter in command.get_params(context):
        value = given.get(parameter.name)
        if is_whole:
            assert value or not parameter.required, f"`{parameter.name}` is missing"
        if is_whole and isinstance(value, str) and not isinstance(parameter.type, click.Path):
            parameter.type_cast_value(context, value)


def read(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def sections_of(document: Path) -> dict[str, str]:
    heading, found = "", dict[str, str]()
    for line in read(document).splitlines():
        heading = line.removeprefix("## ") if line.startswith("## ") else heading
        found[heading] = found.get(heading, "") + line + "\n"
    return found


def anchor_of(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def options_of(name: str) -> set[str]:
    options = (it for it in COMMANDS[name].params if isinstance(it, click.Option))
    return {spelling for it in options for spelling in (*it.opts, *it.secondary_opts)}


def test_the_readme_is_short() -> None:
    assert 220 <= len(read(README).splitlines()) <= 270


def test_each_page_of_the_guide_is_short_and_starts_with_its_title() -> None:
    for document in GUIDE.iterdir():
        lines = read(document).splitlines()
        assert document.suffix == ".md"
        assert lines[0].startswith("# ")
        assert len(lines) <= 200, document.name


@each_document
def test_every_command_line_that_is_shown_can_be_parsed(document: Path) -> None:
    text = read(document)
    for command in (*list_commands(text), *list_recorded(text)):
        for words in split_words(command.line):
            if words[:1] == ["envsync"]:
                check_words(words[1:], is_whole=True)


@each_document
def test_every_command_that_is_mentioned_is_there_with_its_options(document: Path) -> None:
    for span in list_spans(read(document)):
        words = shlex.split(span)[1:]
        if not words[0].isupper():  # `envsync COMMAND --help`
            check_words([word for word in words if word != "..."], is_whole=False)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_stands_in_the_reference(name: str) -> None:
    sections = {key: text for page in REFERENCE for key, text in sections_of(page).items()}
    found = [text for key, text in sections.items() if re.match(rf"`envsync {name}[ `]", key)]
    assert len(found) == 1
    if f"(#{anchor_of(SHARED_OPTIONS)})" in found[0]:
        found.append(sections[SHARED_OPTIONS])
    options = options_of(name)

    said = "\n".join(found)

    assert [option for option in options if not re.search(rf"`{option}[ `]", said)] == []


def test_the_reference_has_no_command_or_option_that_is_not_there() -> None:
    for heading, text in (
        (key, text) for page in REFERENCE for key, text in sections_of(page).items()
    ):
        words = re.findall(r"[a-z-]+", heading.partition("`envsync ")[2])
        rows = re.findall(r"^\| (`-.*?) \|", text, re.MULTILINE)
        shown = {it for row in rows for it in re.findall(r"`(--?[\w-]+)", row)}
        known = options_of(" ".join(words)) if words else options_of("score")
        assert shown - known == set(), heading


@each_document
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", read(document)):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name) if name else document
        assert path.exists(), target
        if anchor:
            assert anchor in map(anchor_of, sections_of(path)), target


def test_the_package_index_gets_whole_addresses() -> None:
    metadata = tomllib.loads(read(CHECKOUT / "pyproject.toml"))["tool"]["hatch"]["metadata"]
    text = read(README)
    for it in metadata["hooks"]["fancy-pypi-readme"]["substitutions"]:
        text = re.sub(it["pattern"], it["replacement"], text)
    links = re.findall(r"(!?)\[[^]]*\]\(([^)\s]+)\)", text)

    assert [link for _, link in links if not link.startswith("https://")] == []
    assert [link for mark, link in links if mark and "raw.githubusercontent.com" not in link] == []


def test_every_page_stands_in_the_index() -> None:
    listed = re.findall(r"^- \[([\w-]+)\]\(\1\.md\): \S", read(GUIDE / "README.md"), re.MULTILINE)

    assert sorted(listed) == sorted(it.stem for it in GUIDE.glob("*.md") if it.name != "README.md")


@each_document
def test_every_file_that_is_shown_can_be_read(document: Path) -> None:
    readers = {
        "json": json.loads,
        "python": ast.parse,
        "toml": tomllib.loads,
        "yaml": YAML(typ="safe", pure=True).load,
    }
    for block in list_blocks(read(document)):
        assert block.kind in {"text", "bash", "console", *readers}
        if block.kind in readers:
            readers[block.kind](block.text)


def test_the_hooks_that_are_shown_are_there() -> None:
    hooks = re.findall(r"- id: ([\w-]+)", read(CHECKOUT / ".pre-commit-hooks.yaml"))
    shown = [re.findall(r"- id: ([\w-]+)", read(it)) for it in DOCUMENTS]

    assert [names for names in shown if names] == [hooks, hooks]


def test_the_picture_shows_commands_that_can_be_parsed() -> None:
    lines = [command.line for command in list_pictured()]

    assert lines
    for line in lines:
        for words in split_words(line):
            if words[0] == "envsync":
                check_words(words[1:], is_whole=True)
