"""`envsync help`."""

from __future__ import annotations

import re
import shutil
import sys
from io import StringIO
from pathlib import Path

import click

from envsync.cli.terminal.group import group

_DOCS = Path(__file__).parents[1] / "docs"
_INDEX = "README.md"
_TOPIC = re.compile(r"^- \[(?P<name>[\w-]+)\]\((?P=name)\.md\)", re.MULTILINE)
_LINK = re.compile(r"\[([^]\n]+)\]\(([\w-]+)\.md(?:#[\w-]+)?\)")
_WIDEST = 100


@click.command(name="help")
@click.argument("topic", metavar="[TOPIC]", required=False)
@click.pass_context
def command(context: click.Context, topic: str | None) -> None:
    """List the topics of the guide, or show TOPIC; a command's name shows its options."""
    index = _read(_INDEX)
    topics = _TOPIC.findall(index)
    if topic is None:
        _show(index)
    elif topic in topics:
        _show(_read(f"{topic}.md"))
    else:
        choice = click.Choice([*topics, *group.list_commands(context)])
        known = click.Argument(["topic"], metavar="TOPIC", type=choice)
        _show_options(known.type_cast_value(context, topic), context)


def _read(name: str) -> str:
    return (_DOCS / name).read_text(encoding="utf-8")


def _show_options(name: str, context: click.Context) -> None:
    asked = group.get_command(context, name)
    if asked is not None:
        with click.Context(asked, info_name=name, parent=context.parent) as of_asked:
            click.echo(asked.get_help(of_asked))


def _show(markdown: str) -> None:
    """Print *markdown* as it is, or rendered for a terminal, in a pager if it is long."""
    if not sys.stdout.isatty():
        click.echo(markdown, nl=False)
        return
    screen = shutil.get_terminal_size()
    text = _render(markdown, width=min(screen.columns, _WIDEST))
    if text.count("\n") < screen.lines:
        click.echo(text, nl=False)
    else:
        click.echo_via_pager(text)


def _render(markdown: str, *, width: int) -> str:
    """Return *markdown* with a terminal's styles; links between topics become commands."""
    from rich.console import Console  # noqa: PLC0415  # slow, and only terminals need it
    from rich.markdown import Markdown  # noqa: PLC0415
    from rich.theme import Theme  # noqa: PLC0415

    text = _LINK.sub(r"\1 (`envsync help \2`)", _TOPIC.sub(r"- **\g<name>**", markdown))
    theme = Theme({"markdown.code": "bold cyan"})
    console = Console(file=StringIO(), force_terminal=True, width=width, theme=theme)
    with console.capture() as captured:
        console.print(Markdown(text, code_theme="ansi_dark"))
    return captured.get()
