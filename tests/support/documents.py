"""README and guide: the blocks of text in them, the commands there, and a folder to run them in."""

from __future__ import annotations

import html
import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CHECKOUT = Path(__file__).resolve().parents[2]
README = CHECKOUT / "README.md"
GUIDE = CHECKOUT / "envsync" / "docs"
PICTURE = CHECKOUT / ".github" / "terminal.svg"
DOCUMENTS = (README, *sorted(GUIDE.glob("*.md")))

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"`([\w.-]+/[\w./-]+)`[^`\n]*:\n\n$")
_SPAN = re.compile(r"`(envsync [^`]+)`")
_JOINS = ("|", "&&", ";", "&")

_ENVIRONMENT = """\
name: churn
channels:
- conda-forge
dependencies:
- python=3.11
- requests=2
- six=1.16
- pip
- pip:
  - click==8.1.7
"""
_SCRIPT = (GUIDE / "entry-script.md").read_text(encoding="utf-8")
_GREETER = """\
[project]
name = "greeter"
version = "1.2"

[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
"""
_RISKY = """\
channels:
- conda-forge
dependencies:
- python=3.11
- pip:
  - click==8.1.7
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A fenced block: what kind of text it is, and *path* where it is the content of a file."""

    kind: str
    text: str
    path: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A command line as it is shown, and the lines that are shown as its output."""

    line: str
    output: tuple[str, ...]

    @property
    def fails(self) -> bool:
        return any(line.startswith("Error: ") for line in self.output)


def list_blocks(markdown: str) -> list[Block]:
    """Return the fenced blocks of *markdown*, in their order."""
    blocks = []
    for found in _FENCE.finditer(markdown):
        path = _FILE.search(markdown, 0, found.start())
        blocks.append(Block(kind=found[1], text=found[2], path=path[1] if path else None))
    return blocks


def list_commands(markdown: str) -> list[Command]:
    """Return the commands that *markdown* shows a reader who has a shell."""
    return _list_commands(it for it in list_blocks(markdown) if it.kind in {"bash", "console"})


def list_recorded(markdown: str) -> list[Command]:
    """Return the commands of sessions that can't be repeated: they were with someone's servers."""
    blocks = (it for it in list_blocks(markdown) if it.kind == "text")
    return _list_commands(it for it in blocks if it.text.startswith("$ "))


def _list_commands(blocks: Iterable[Block]) -> list[Command]:
    commands = []
    for block in blocks:
        if block.kind == "bash":
            commands.append(Command(line=block.text, output=()))
            continue
        first, *parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
        assert not first, f"output without a command: {first}"
        for line, *output in (part.splitlines() for part in parts):
            commands.append(Command(line=line, output=tuple(output)))
    return commands


def list_pictured() -> list[Command]:
    """Return the commands in README's picture; paths and numbers in their output may be others."""
    text = html.unescape(re.sub(r"<[^>]+>", "", PICTURE.read_text(encoding="utf-8")))
    shown = text[text.index("$") :].replace("\xa0", " ")
    lines = "".join(f"{line.strip()}\n" for line in shown.splitlines() if line.strip())
    commands = _list_commands([Block(kind="console", text=lines, path=None)])
    return [
        Command(
            line=it.line, output=tuple(re.sub(r"/home/me\S*/|\d+", "…", each) for each in it.output)
        )
        for it in commands
    ]


def list_spans(markdown: str) -> list[str]:
    """Return the `envsync ...` in the text of *markdown* outside its blocks."""
    return _SPAN.findall(_FENCE.sub("", markdown))


def split_words(line: str) -> Iterator[list[str]]:
    """Yield the words of each program that *line* starts, without redirections."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if word in _JOINS:
            yield words
            words = []
        elif words and words[-1] in {">", ">>"}:
            words.pop()
        else:
            words.append(word)
    yield words


def make_world(folder: Path) -> None:
    """Write what the guide's commands are about into *folder*."""
    script = next(it.text for it in list_blocks(_SCRIPT) if "def init" in it.text)
    files = {
        "churn/environment.yml": _ENVIRONMENT,
        "churn/score.py": script,
        "churn/model/weights.json": "[0.25, 0.5]",
        "churn/request.json": json.dumps({"data": [[1, 2]]}),
        "churn/expected.jsonl": json.dumps({"result": [1.25]}) + "\n",
        "other/environment.yml": _ENVIRONMENT.replace("name: churn", "name: other"),
        "contradictory/environment.yml": _ENVIRONMENT.replace("requests=2", "requests=7"),
        "risky/conda_dependencies.yml": _RISKY,
        "source/environment.yml": _ENVIRONMENT.replace("click==8.1.7", "./greeter-1.2.tar.gz"),
        "greeter-1.2/PKG-INFO": "Metadata-Version: 2.2\nName: greeter\nVersion: 1.2\n",
        "greeter-1.2/pyproject.toml": _GREETER,
        "greeter-1.2/greeter.py": "",
        "model.pkl": "a model",
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
