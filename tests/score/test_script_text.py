from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from envsync.errors import DefinitionError
from envsync.score.script_text import find_swallowed_errors, missing_functions

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("def init(): pass\ndef run(d): pass", ()),
        ("async def init(): pass\nasync def run(d): pass", ()),
        ("from elsewhere import init, predict as run", ()),
        ("from elsewhere import *", ()),
        ("import init, run", ()),
        ("init = run = print", ()),
        ("if True:\n    def init(): pass\nelse:\n    init = 1\nrun: object = print", ()),
        (
            "try:\n    from fast import run\nexcept ImportError:\n    from slow import run",
            ("init",),
        ),
        ("globals().update(init=1, run=2)", ()),
        ("def init(): pass", ("run",)),
        ("class A:\n    def init(self): pass\n    def run(self, d): pass", ("init", "run")),
        ("def make():\n    run = 1\n    def init(): pass", ("init", "run")),
        ("", ("init", "run")),
        ("this is no Python", ()),
        ("\x00", ()),
    ],
)
def test_functions_are_found_without_running_the_script(
    tmp_path: Path, text: str, missing: tuple[str, ...]
) -> None:
    path = tmp_path / "score.py"
    path.write_text(text)
    assert missing_functions(path) == missing


def test_a_script_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError) as caught:
        missing_functions(tmp_path)
    assert caught.value.message == f"Cannot read entry script `{tmp_path}`: Is a directory"


@pytest.mark.parametrize(
    ("handler", "lines"),
    [
        ("except Exception as e:\n        return str(e)", (5,)),
        ("except Exception as e:\n        error = str(e)\n        return error", (6,)),
        ("except Exception as e:\n        return {'error': f'{e}'}", (5,)),
        ("except ValueError as e:\n        raise KeyError from e", ()),
        ("except ValueError as e:\n        print(e)\n        return []", ()),
        ("except ValueError:\n        return 'no number'", ()),
    ],
)
def test_exceptions_that_become_results_are_found(
    tmp_path: Path, handler: str, lines: tuple[int, ...]
) -> None:
    path = tmp_path / "score.py"
    path.write_text(f"def run(data):\n    try:\n        return int(data)\n    {handler}\n")
    assert find_swallowed_errors(path) == lines


def test_other_functions_may_return_what_they_like(tmp_path: Path) -> None:
    path = tmp_path / "score.py"
    path.write_text("def helper():\n    try: pass\n    except Exception as e: return e\n")
    assert find_swallowed_errors(path) == ()


def test_a_script_that_is_too_large_is_not_judged_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "score.py"
    with path.open("wb") as stream:
        stream.truncate(3 << 30)
    tracemalloc.start()
    try:
        assert missing_functions(path) == ()
        assert find_swallowed_errors(path) == ()
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("text", ["x = " + "1+" * 5000 + "1", "x = " + "(" * 5000 + ")" * 5000])
def test_a_script_that_is_too_deep_is_not_judged(tmp_path: Path, text: str) -> None:
    path = tmp_path / "score.py"
    path.write_text(text)

    assert missing_functions(path) == ()
