"""What is read without the YAML library is what the library would have read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from envsync.errors import DefinitionError
from envsync.yamlio import Limits, parse_yaml
from envsync.yamlio import reader as with_library
from envsync.yamlio.usual import parse_usual

ROOT = Path(__file__).parents[1]
NO_LIBRARY = """
import sys
from pathlib import Path
from envsync.yamlio import parse_yaml
parse_yaml(Path(sys.argv[1]).read_text(), file="x")
sys.exit("ruamel.yaml" in sys.modules)
"""
PIECES = st.sampled_from(
    (
        *("\n", "\n", "\n", "\n  ", "\n  ", "\n    ", " ", "- ", "- ", "-", ": ", ":", ":\n", "# "),
        *("a", "b", "pip", "3.10", "1e5", "~", "null", "python=3.8", "x::y", "https://x/#y", "#"),
        *("'q'", '"q"', "'", '"', "''", "[", "]", "{", "}", ",", "--index-url", "-r", "---", "..."),
        *(">=1", "*", "&a", "!", "|", "?", "? ", "@", "%", "\t", ".5", "./x", "==", "<<", "\\"),
    )
)


@given(st.lists(PIECES, max_size=30).map("".join))
@example("a:\n- b\n- c: d\n  e:\n  - f\ng:\n")
@example("a:\n  - b\n    c\n")
@example("a: b\n  c\n")
@example("a: 1\na: 2\n")
@example("a: b\n---\nc: d\n")
@example("a: b # c\n# d\n\n  # e\nf: 'g' #h\n")
@example("a:\n- b: c\n -d\n")
@example("a: 'b''c'\n")
@example("a:\n  b: c\n d: e\n")
@example("- a\n")
def test_the_library_agrees_on_all_that_is_read_without_it(text: str) -> None:
    node = parse_usual(text)

    if node is not None:
        assert with_library.parse_with_library(text, "x", Limits()) == node


@pytest.mark.parametrize(
    "text",
    [
        "name: x\nchannels:\n- conda-forge\ndependencies:\n- python=3.8\n- pip:\n  - a==1 # why\n",
        "# head\nchannels:\n  - 'defaults'\n\ndependencies:\n  - numpy\n  - pip:\n    - -r x.txt\n",
        "a:\nb: ''\n",
    ],
)
def test_definitions_as_they_are_written_need_no_library(text: str) -> None:
    assert parse_usual(text) is not None


@pytest.mark.parametrize("name", ["sklearn-diabetes", "sklearn-mnist"])
def test_the_library_is_not_even_imported_for_them(name: str) -> None:
    path = ROOT / "specs" / name / "conda_dependencies.yml"

    subprocess.run([sys.executable, "-c", NO_LIBRARY, str(path)], check=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x\n",
        "a: [b]\n",
        "a: é\n",
        "a: b\n" * 2,
        "a: " + "b" * 600 + "\n",
        "".join("  " * depth + "a:\n" for depth in range(30)),
        "".join(f"a{number}: b\n" for number in range(5000)),
    ],
)
def test_the_rest_is_left_to_the_library(text: str) -> None:
    assert parse_usual(text) is None


def test_what_both_can_read_is_still_searched_for_what_cannot_be_in_yaml() -> None:
    with pytest.raises(DefinitionError, match="U\\+0000"):
        parse_yaml("a: 'b\0'\n", file="x")
